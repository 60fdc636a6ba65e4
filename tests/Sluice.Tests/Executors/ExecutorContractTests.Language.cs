using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Sluice.Flows;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Executors;

/// <content>An other side in another language.</content>
public partial class ExecutorContractTests
{
    /// <summary>The other side knows nothing of this library but what docs/writing-an-executor.md says of messages. The input has room for
    /// few values, and all but the first come once it is open.</summary>
    [Fact]
    public async Task AnExecutorInAnotherLanguageWorksAsTheDocumentSays()
    {
        await using var lab = new FlowLab();
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"] };
        string processor = "";
        var isOpen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var executor = new MessageExecutor(async (messages, send) =>
        {
            byte[] plan = await messages.ReadAsync();
            Assert.Equal(32, plan[0]);
            using JsonDocument call = JsonDocument.Parse(plan.AsMemory(1));
            processor = call.RootElement.GetProperty("Processor").GetProperty("Name").GetString()!;
            while ((await messages.ReadAsync())[0] != 34)
            {
                // skip the choices of an earlier start
            }
            send(Message(64, 1, 0, 0, 1, 0, 0, 0));          // question 1: open input 0 at its first value
            long onTheWay = 0;
            byte[] opened = await AnswerAsync(1);
            long reading = Number(opened, 9);
            isOpen.TrySetResult();
            for (long question = 2; ; question++)
            {
                send(Message(65, question, reading));
                byte[] answer = await AnswerAsync(question);
                int at = 1 + 8 + 1;
                if (at == answer.Length) break;              // no value: the stream is complete
                while (at < answer.Length)
                {
                    int length = BinaryPrimitives.ReadInt32LittleEndian(answer.AsSpan(at + 16));
                    int value = int.Parse(Encoding.UTF8.GetString(answer.AsSpan(at + 20, length)),
                        System.Globalization.CultureInfo.InvariantCulture);
                    while (onTheWay == 512) Assert.Equal(39, (await NextAsync())[0]);
                    send([.. Message(71, 0), .. Encoding.UTF8.GetBytes($"{value + 1}")]);
                    onTheWay++;
                    at += 20 + length;
                }
            }
            send(Message(72));
            await foreach (byte[] rest in messages.ReadAllAsync())
            {
                // credit
            }

            async Task<byte[]> AnswerAsync(long question)
            {
                byte[] answer = await NextAsync();
                while (answer[0] == 39) answer = await NextAsync();
                Assert.Equal((36, question), (answer[0], Number(answer, 1)));
                return answer;
            }

            async Task<byte[]> NextAsync()
            {
                byte[] message = await messages.ReadAsync();
                if (message[0] == 39) onTheWay -= Number(message, 9);         // credit: output, values, bytes
                return message;
            }
        });
        Supervisor service = lab.Join(options => options with { Executor = executor });
        service.Register(work, static (ProcessorContext _, CancellationToken _) => Nothing()); // runs elsewhere, and may read any input
        await using FlowRun run = await service.StartAsync(Flow.From(work).With("x", new FlowStreamOptions { MaxItems = 100 }).Resolve(),
            [IOVal.Stream("x", ValuesAsync())], cancellation: FlowLab.Cancellation);
        Assert.Equal(Enumerable.Range(1, 3_000), await FlowLab.ReadAsync(run.Output<int>("y"))
            .WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Equal("work", processor);

        async IAsyncEnumerable<int> ValuesAsync()
        {
            for (int i = 0; i < 3_000; i++)
            {
                yield return i;                      // the first one starts the processor
                await isOpen.Task;
            }
        }

        static long Number(byte[] message, int at) => BinaryPrimitives.ReadInt64LittleEndian(message.AsSpan(at));
    }

    private static async IAsyncEnumerable<IOVal> Nothing()
    {
        await Task.Yield();
        yield break;
    }
}
