using System.Diagnostics;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Graphs;
using Sluice.Testing;
using Sluice.Tests.Executors;

namespace Sluice.Tests.Engine;

/// <summary>An exception whose Message throws, for example because it reads a property of null. The run, step, item or flow that it fails
/// still ends.</summary>
public class UnsaidFailureTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Regression: the run never completed.</remarks>
    [Theory]
    [InlineData(ExecutionMode.SingleThread)]
    [InlineData(ExecutionMode.MultiThread)]
    public async Task ATracedRunEnds(ExecutionMode mode)
    {
        using var traced = new Traced();
        PipelineRun run = (Source.From([1]) | (static (int _) => throw new Unsaid())).Start(new RunOptions { Mode = mode });
        var failure = await Assert.ThrowsAsync<PipelineException>(() => run.Completion.WaitAsync(Limit, Cancellation));
        Assert.IsType<Unsaid>(failure.InnerException);
    }

    /// <remarks>Regression: the step never ended, nor did its scope.</remarks>
    [Fact]
    public async Task ATracedStepEnds()
    {
        using var traced = new Traced();
        Task<int> call = Task.Run(async () => await Step.Of(static int () => throw new Unsaid())(), Cancellation);
        await ((Task)call).WaitAsync(Limit, Cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing
            | ConfigureAwaitOptions.ContinueOnCapturedContext);
        Assert.True(call.IsFaulted);
    }

    /// <remarks>Regression: the consecutor ended.</remarks>
    [Fact]
    public async Task ATracedItemIsADeadLetter()
    {
        using var traced = new Traced();
        await using var store = new MemoryStreamStore();
        await using var work = new Consecutor<int>("work", source => source | (static n =>
        {
            if (n == 2) throw new Unsaid();
        }), new() { Store = store, Delivery = DeliveryGuarantee.Replay(0) });
        await work.StartAsync(Cancellation);
        await work.SendAllAsync([1, 2, 3], Cancellation);
        ConsecutorSnapshot end = await work.WaitForIdleAsync(Cancellation).WaitAsync(Limit, Cancellation);
        Assert.Equal((2, 1), (end.Completed, end.Dead));
    }

    /// <remarks>Regression: the input never ended, and the run waited for ever.</remarks>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AFlowFails(bool isInput)
    {
        await using var store = new MemoryStreamStore();
        await using var supervisor = Supervisor.Attach(store, new SupervisorOptions { Name = "one" });
        var doubled = new Processor("doubled") { Inputs = ["numbers"], Outputs = ["doubles"] };
        supervisor.Register(doubled, async (IO<int> numbers, IOWriter<int> doubles, CancellationToken cancellation) =>
        {
            await foreach (int number in numbers.StreamAsync(cancellation))
            {
                if (!isInput) throw new Unsaid();
                await doubles.WriteAsync(2 * number, cancellation);
            }
        });
        IOVal numbers = isInput ? IOVal.Stream("numbers", Numbers()) : IOVal.Of("numbers", 1);
        await using FlowRun run = await supervisor.StartAsync(Flow.From(doubled).Resolve(), [numbers], cancellation: Cancellation);
        var failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(Limit, Cancellation));
        Assert.Contains("its Message threw", failure.Message, StringComparison.Ordinal);

        static async IAsyncEnumerable<int> Numbers()
        {
            yield return 1;
            await Task.Yield();
            throw new Unsaid();
        }
    }

    /// <summary>The remote side of a call says that it has failed.</summary>
    /// <remarks>Regression: it said nothing, and the service waited for ever.</remarks>
    [Theory]
    [InlineData(false, "its Message threw")]
    [InlineData(true, "Blank: no text")]
    public async Task AFlowElsewhereFails(bool isBlank, string expected)
    {
        await using var store = new MemoryStreamStore();
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"] };
        var functions = new ProcessorFunctions
        {
            { work, Task (IO<int> x, IOWriter<int> y) => throw (isBlank ? new Blank() : new Unsaid()) },
        };
        await using var supervisor = Supervisor.Attach(store, new SupervisorOptions
        {
            Name = "one",
            Executor = MessageExecutor.Of(functions)
        });
        supervisor.Register(functions);
        await using FlowRun run = await supervisor.StartAsync(Flow.From(work).Resolve(), [IOVal.Of("x", 1)], cancellation: Cancellation);
        var failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(Limit, Cancellation));
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
    }

    private sealed class Blank() : Exception("no text")
    {
        public override string ToString() => null!;
    }

    private sealed class Unsaid : Exception
    {
        public override string Message => throw new NotSupportedException();
    }

    private sealed class Traced : IDisposable
    {
        private readonly Activity outer = new("outer");
        private readonly ActivityListener listener = new()
        {
            ShouldListenTo = static source => source.Name == "Sluice",
            Sample = static (ref ActivityCreationOptions<ActivityContext> options) => options.Parent.TraceState == "unsaid"
                ? ActivitySamplingResult.AllData : ActivitySamplingResult.None,
        };

        public Traced()
        {
            ActivitySource.AddActivityListener(listener);
            outer.TraceStateString = "unsaid";
            outer.Start();
        }

        public void Dispose()
        {
            outer.Dispose();
            listener.Dispose();
        }
    }
}
