using System.Runtime.ExceptionServices;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>A function has returned, and its writes have not ended, or come later.</summary>
public class UnawaitedWriteTests
{
    [Fact]
    public async Task AFunctionThatReturnsWhileItsWritesArePendingFailsItsProcessor()
    {
        using var judgement = new Judgement();
        await using var memory = new MemoryStreamStore();
        await using var lab = new FlowLab(judgement.Over(memory));
        Supervisor service = lab.Join();
        var work = new Processor("forgets-await") { Inputs = ["x"], Outputs = ["y"] };
        service.Register(work, WriteAsync);
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        FlowException failure = await Assert.ThrowsAsync<FlowException>(() =>
            run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Contains(Judgement.Text, failure.Message, StringComparison.Ordinal);
        Assert.Contains(" writes to y had not ended. Await every WriteAsync, and all work that writes, before the function returns.",
            failure.Message, StringComparison.Ordinal);

        static async Task WriteAsync(IO<int> x, IOWriter<int> y)
        {
            await x.FirstAsync();
            for (int i = 0; i < 10_000; i++) _ = y.WriteAsync(i).AsTask();
        }
    }

    /// <summary>The function is at the other end of messages, as in a child process. It says <c>done</c> only if no write is pending.
    /// </summary>
    [Fact]
    public async Task AFunctionElsewhereThatReturnsWhileItsWritesArePendingFailsItsProcessor()
    {
        using var judgement = new Judgement();
        await using var memory = new MemoryStreamStore();
        await using var lab = new FlowLab(judgement.Over(memory));
        var work = new Processor("forgets-await") { Inputs = ["x"], Outputs = ["y"] };
        var functions = new ProcessorFunctions
        {
            {
                work, async (IO<int> x, IOWriter<int> y) =>
                {
                    await x.FirstAsync();
                    // More than may be on their way: the service takes none while its output is full.
                    for (int i = 0; i < 10_000; i++) _ = y.WriteAsync(i).AsTask();
                }
            },
        };
        Supervisor service = lab.Join(options => options with { Executor = Executors.MessageExecutor.Of(functions) });
        service.Register(functions);
        await using FlowRun run = await service.StartAsync(Flow.From(work).With("y", new() { MaxItems = 10 }).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        FlowException failure = await Assert.ThrowsAsync<FlowException>(() =>
            run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Contains(Judgement.Text, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ResumeMode.FromScratch)]
    [InlineData(ResumeMode.PerItem)]
    [InlineData(ResumeMode.Checkpoint)]
    public async Task AWriteAfterTheEndThrowsAndIsReportedOnce(ResumeMode resume)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"], Resume = resume };
        IOWriter<int>? left = null;
        service.Register(work, WriteAsync);
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(), [IOVal.Of("x", 1), IOVal.Of("x", 2)],
            cancellation: FlowLab.Cancellation);
        Assert.Equal([1, 2], await FlowLab.ReadAsync(run.Output<int>("y")));
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        for (int i = 0; i < 3; i++)
            Assert.Equal($"The processor work of the run {run.Id} wrote a value to y after its function had returned. Nothing can take it "
                + "any more: the value is lost. Await every WriteAsync, and all work that writes, before the function returns.",
                (await Assert.ThrowsAsync<FlowException>(async () => await left!.WriteAsync(i))).Message);
        Assert.Single(lab.Warnings, text => text.Contains("after its function had returned", StringComparison.Ordinal));

        async Task WriteAsync(IO<int> x, IOWriter<int> y)
        {
            left = y;
            await foreach (int value in x.StreamAsync()) await y.WriteAsync(value);
        }
    }

    /// <summary>Lets no value of y be stored before the function has returned and was judged.</summary>
    private sealed class Judgement : IDisposable
    {
        public const string Text = "The function of the processor forgets-await has returned while ";
        private readonly TaskCompletionSource refused = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Judgement() => AppDomain.CurrentDomain.FirstChanceException += Look;

        public HookedStore Over(IStreamStore inner) => new(inner)
        {
            Before = (call, stream) => call == nameof(IStreamStore.AppendAsync) && stream.EndsWith("/y", StringComparison.Ordinal)
                ? refused.Task : Task.CompletedTask
        };

        public void Dispose() => AppDomain.CurrentDomain.FirstChanceException -= Look;

        private void Look(object? sender, FirstChanceExceptionEventArgs thrown)
        {
            if (thrown.Exception.Message.StartsWith(Text, StringComparison.Ordinal)) refused.TrySetResult();
        }
    }
}
