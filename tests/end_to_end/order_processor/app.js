// app.js
const { SQSClient, ReceiveMessageCommand, DeleteMessageCommand } = require('@aws-sdk/client-sqs');
const { DynamoDBClient, PutItemCommand } = require('@aws-sdk/client-dynamodb');
// No endpoint override needed - AWS_ENDPOINT_URL is injected by Simfra
const sqs = new SQSClient({});
const dynamodb = new DynamoDBClient({});
const QUEUE_URL = process.env.QUEUE_URL;
const TABLE_NAME = process.env.TABLE_NAME;
async function poll() {
while (true) {
const { Messages } = await sqs.send(new ReceiveMessageCommand({
QueueUrl: QUEUE_URL,
MaxNumberOfMessages: 10,
WaitTimeSeconds: 20
}));
for (const msg of Messages || []) {
const data = JSON.parse(msg.Body);
await dynamodb.send(new PutItemCommand({
TableName: TABLE_NAME,
Item: {
id: { S: data.id },
payload: { S: JSON.stringify(data) },
processed_at: { S: new Date().toISOString() }
}
}));
await sqs.send(new DeleteMessageCommand({
QueueUrl: QUEUE_URL,
ReceiptHandle: msg.ReceiptHandle
}));
}
}
}
poll().catch(console.error);
