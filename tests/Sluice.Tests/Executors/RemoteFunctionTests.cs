using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sluice.Flows;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Executors;

/// <summary>The remote side of a call in .NET, without a service: the test says the service's messages.</summary>
public class RemoteFunctionTests
{
    private const byte Plan = 32, Begin = 34, Cancel = 35, Answer = 36, Fault = 38, Open = 64, Release = 66, Failed = 73;

    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Processor Saving = Work with { Resume = ResumeMode.Checkpoint };

    /// <summary>The service reports a failure while one writer serializes its value, and another one waits for its turn.</summary>
    /// <remarks>Regression: the other one found the output full, and waited for ever.</remarks>
    [Fact]
    public async Task AWriterThatHasWaitedForItsTurnLearnsOfAFailure()
    {
        using var isInside = new ManualResetEventSlim();
        using var mayLeave = new ManualResetEventSlim();
        Thread? second = null;
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        (RemoteFunction function, BlockingCollection<byte[]> sent) = Start(Work, async (IOWriter<Held> y) =>
        {
            // Fills the output: no further value is sent.
            Task first = Task.Run(() => y.WriteAsync(new(300_000, () =>
            {
                isInside.Set();
                mayLeave.Wait(FlowLab.Patience);
            })).AsTask());
            isInside.Wait(FlowLab.Patience);
            var writes = new TaskCompletionSource<Task>(TaskCreationOptions.RunContinuationsAsynchronously);
            second = new(() => writes.SetResult(y.WriteAsync(new(1, null)).AsTask()));
            second.Start();
            begun.SetResult();
            await first;
            await await writes.Task;
        });
        using (function)
        {
            await begun.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
            while ((second!.ThreadState & ThreadState.WaitSleepJoin) == 0) await Task.Yield();
            Task told = Task.Run(() => function.Receive([Fault, .. Failure("too large")]));
            await told.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);              // a serializer does not hold up the messages
            mayLeave.Set();
            await function.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
            Assert.Contains("too large", Encoding.UTF8.GetString(sent.Last(message => message[0] == Failed)), StringComparison.Ordinal);
        }
    }

    /// <summary>The service does not answer, for example because its store is away.</summary>
    [Theory]
    [InlineData("open")]
    [InlineData("release")]
    [InlineData("save")]
    public async Task ACancelledFunctionDoesNotWaitForAnAnswer(string what)
    {
        Delegate code = what == "save" ? static (ProcessorContext context, CancellationToken cancellation)
                => context.Checkpoint<int>().SaveAsync(1, cancellation)
            : static async (IO<int> x, CancellationToken cancellation) =>
            {
                await using IAsyncEnumerator<int> values = x.StreamAsync(cancellation).GetAsyncEnumerator(cancellation);
                await values.MoveNextAsync();
            };
        (RemoteFunction function, BlockingCollection<byte[]> sent) = Start(what == "save" ? Saving : Work, code);
        using (function)
        {
            byte[] asked = sent.Take(FlowLab.Cancellation);
            if (what == "release")
            {
                function.Receive([Answer, .. asked.AsSpan(1, 8), .. Number(1), .. Number(1)]);
                asked = sent.Take(FlowLab.Cancellation);
                function.Receive([Answer, .. asked.AsSpan(1, 8), 1]);               // the stream is complete
                while (sent.Take(FlowLab.Cancellation)[0] != Release)
                {
                    // the positions
                }
            }
            function.Receive([Cancel]);
            await function.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
            if (what != "open") return;
            Assert.Equal(Open, asked[0]);
        }
    }

    /// <summary>Such as the timeout of an HttpClient.</summary>
    [Fact]
    public async Task ACancellationOfTheFunctionsOwnKeepsItsTypeAndItsStack()
    {
        (RemoteFunction function, BlockingCollection<byte[]> sent) = Start(Work, Task () => throw new TaskCanceledException("too slow"));
        using (function) await function.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        byte[] failed = sent.Single(message => message[0] == Failed);
        Assert.Equal(1, failed[9]);                  // an exception of the function
        string text = Encoding.UTF8.GetString(failed);
        Assert.Contains("TaskCanceledException", text, StringComparison.Ordinal);
        Assert.Contains("   at ", text, StringComparison.Ordinal);
    }

    /// <summary>A plan of a later version, or a damaged one: a violation, which the child's end of the connection knows.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"Run\":\"r\",\"Processor\":{\"Name\":\"work\",\"Inputs\":[],\"Outputs\":[]}}")]
    [InlineData("{\"Run\":\"r\",\"Processor\":{\"Name\":\"work\",\"Inputs\":[],\"Outputs\":[\"y\"]},\"Streams\":[]}")]
    [InlineData("{\"Run\":\"r\",\"Processor\":{\"Name\":\"work\",\"Inputs\":[],\"Outputs\":[],\"Resume\":\"Sometimes\"},\"Streams\":[]}")]
    [InlineData("{\"Run\":\"r\",\"Processor\":{\"Name\":\"work\",\"Inputs\":[],\"Outputs\":[]},\"Streams\":[null]}")]
    public void APlanThatCannotBeReadIsAViolation(string plan)
    {
        using RemoteFunction function = new RemoteWorker([]).Open(static _ => { });
        Assert.NotEmpty(Assert.Throws<InvalidDataException>(() => function.Receive([Plan, .. Encoding.UTF8.GetBytes(plan)])).Message);
    }

    [Fact]
    public void ADamagedPlanIsTakenOrRefused()
    {
        byte[] good = PlanOf(Saving);
        var random = new Random(1);
        int refused = 0;
        for (int i = 0; i < 2_000; i++)
        {
            byte[] plan = [.. good];
            for (int damages = random.Next(1, 4); damages > 0; damages--)
                plan[random.Next(1, plan.Length)] = (byte)(random.Next(2) == 0 ? random.Next(256) : "{}[]\",:0nx-"[random.Next(11)]);
            using RemoteFunction function = new RemoteWorker([]).Open(static _ => { });
            try
            {
                function.Receive(plan);
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 100, 1_900);
    }

    private static (RemoteFunction Function, BlockingCollection<byte[]> Sent) Start(Processor work, Delegate code)
    {
        BlockingCollection<byte[]> sent = [];
        RemoteFunction function = new RemoteWorker(new() { { work, code } }).Open(message => sent.Add(message.ToArray()));
        function.Receive(PlanOf(work));
        function.Receive([Begin]);
        return (function, sent);
    }

    private static byte[] PlanOf(Processor work) => [Plan, .. JsonSerializer.SerializeToUtf8Bytes(new
    {
        Run = "r",
        Start = 1,
        Attempt = 1,
        Processor = new { work.Name, work.Inputs, work.Outputs, Resume = $"{work.Resume}" },
        Streams = work.Inputs.Concat(work.Outputs).Select(name => new { Name = name, MaxItems = 9, MaxItemBytes = 1 << 20 }),
    })];

    private static byte[] Failure(string message)
        => [.. Number(0), 2, 0, .. Text("FlowException"), .. Text(message), .. Text(""), .. Text("")];

    private static byte[] Text(string text) => [.. BitConverter.GetBytes(text.Length), .. Encoding.ASCII.GetBytes(text)];

    private static byte[] Number(long number) => BitConverter.GetBytes(number);

    /// <summary>A value whose serializer stops to do something.</summary>
    [JsonConverter(typeof(HeldConverter))]
    private sealed record Held(int Length, Action? Inside);

    private sealed class HeldConverter : JsonConverter<Held>
    {
        public override Held Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) => throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, Held value, JsonSerializerOptions options)
        {
            value.Inside?.Invoke();
            writer.WriteStringValue(new string('x', value.Length));
        }
    }
}
