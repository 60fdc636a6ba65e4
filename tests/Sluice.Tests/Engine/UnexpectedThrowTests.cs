using System.Diagnostics;
using Sluice.Diagnostics;
using Sluice.Graphs;

namespace Sluice.Tests.Engine;

/// <summary>
/// User code throws where nothing awaits it: the run fails, or a warning is logged. The process continues, and the run ends.
/// </summary>
public class UnexpectedThrowTests
{
    [Fact]
    public async Task AThrowingTokenCallbackFailsARunThatIsDrained()
    {
        var begun = new TaskCompletionSource();
        PipelineRun run = Source.Create<int>(async (_, stop) =>
        {
            stop.Register(static () => throw new InvalidOperationException("in a callback"));
            begun.SetResult();
            await Task.Delay(Timeout.Infinite, stop);
        }).ForEach(static _ => { }).Start();
        await begun.Task;
        var failure = await Assert.ThrowsAsync<PipelineException>(() => run.StopAsync());
        Assert.Contains("in a callback", failure.Message);
        Assert.Equal(RunStatus.Failed, run.Snapshot().Status);
    }

    [Fact]
    public async Task AThrowingTokenCallbackFailsARunThatIsCancelled()
    {
        using var cancellation = new CancellationTokenSource();
        var begun = new TaskCompletionSource();
        PipelineRun run = Source.Create<int>(async (_, stop) =>
        {
            stop.Register(static () => throw new InvalidOperationException("in a callback"));
            begun.SetResult();
            await Task.Delay(Timeout.Infinite, stop);
        }).ForEach(static _ => { }).Start(ExecutionMode.MultiThread, cancellation.Token);
        await begun.Task;
        await cancellation.CancelAsync();            // callbacks registered elsewhere do not throw here
        await Assert.ThrowsAsync<PipelineException>(() => run.Completion);
    }

    [Fact]
    public async Task AThrowingActivityListenerOnlyCausesAWarning()
    {
        using var warned = new WarningListener();
        using (var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == "Sluice",
            Sample = static (ref ActivityCreationOptions<ActivityContext> options) => options.Parent.TraceState == "throws"
                ? ActivitySamplingResult.AllData : ActivitySamplingResult.None,
            ActivityStopped = static _ => throw new InvalidOperationException("the collector is away"),
        })
        {
            ActivitySource.AddActivityListener(listener);
            using var outer = new Activity("outer");
            outer.TraceStateString = "throws";
            outer.Start();
            RunSnapshot end = await Source.From([1, 2]).ForEach(static _ => { }).RunAsync();
            Assert.Equal(RunStatus.Completed, end.Status);
            Assert.Equal(7, await Step.Of(static () => 7)());
        }
        Assert.Contains(warned.Texts, static text => text.Contains("the collector is away"));
    }

    [Fact]
    public async Task ASpanWhoseStartAListenerRefusesIsStoppedForTheOthers()
    {
        List<Activity> open = [];
        using var warned = new WarningListener();
        using ActivityListener first = Listen(open.Add, span => Assert.True(open.Remove(span))),
            second = Listen(static _ => throw new InvalidOperationException("no room for a span"), static _ => { });
        using var outer = new Activity("outer");
        outer.TraceStateString = "refuses";
        outer.Start();
        await Source.From([1, 2]).ForEach(static _ => { }).RunAsync();
        Assert.Same(outer, Activity.Current);
        Assert.Empty(open);
        Assert.Contains(warned.Texts, static text => text.Contains("no room for a span"));

        static ActivityListener Listen(Action<Activity> started, Action<Activity> stopped)
        {
            var listener = new ActivityListener
            {
                ShouldListenTo = static source => source.Name == "Sluice",
                Sample = static (ref ActivityCreationOptions<ActivityContext> options) => options.Parent.TraceState == "refuses"
                    ? ActivitySamplingResult.AllData : ActivitySamplingResult.None,
                ActivityStarted = span => When(span, started),
                ActivityStopped = span => When(span, stopped),
            };
            ActivitySource.AddActivityListener(listener);
            return listener;
        }

        static void When(Activity span, Action<Activity> action)
        {
            if (span.TraceStateString == "refuses" && span.Source.Name == "Sluice") action(span);
        }
    }

    [Fact]
    public async Task AnAsyncVoidMethodFailsASingleThreadedRun()
    {
        var goOn = new TaskCompletionSource();
        PipelineRun run = Source.From(WaitAsync(Forget)).ForEach(static _ => { }).Start(ExecutionMode.SingleThread);
        Task thrown = Assert.ThrowsAsync<PipelineException>(() => run.Completion);
        goOn.SetResult();
        await thrown;
        Assert.Contains("nobody waits", run.Completion.Exception!.InnerException!.Message);

        static async IAsyncEnumerable<int> WaitAsync(Action forget,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stop = default)
        {
            forget();
            await Task.Delay(Timeout.Infinite, stop);
            yield return 1;
        }

        async void Forget()
        {
            await goOn.Task;
            throw new InvalidOperationException("nobody waits");
        }
    }

    [Fact]
    public void AnAsyncVoidFunctionIsRefused()
    {
#pragma warning disable SLU002 // on purpose: the library must also refuse what the analyzer reports
        var refused = Assert.Throws<ArgumentException>(static () => Source.From([1]).ForEach(SaveAsync));
        Assert.Contains("is async void", refused.Message);
        Assert.Contains("Let it return a Task", refused.Message);
        Assert.Throws<ArgumentException>(static () => Source.From([1]).Do(SaveAsync));
        Assert.Throws<ArgumentException>(static () => _ = Source.From([1]) | SaveAsync);
#pragma warning restore SLU002

        static async void SaveAsync(int item) => await Task.Yield();
    }

    [Fact]
    public async Task AThrowingNodeFactoryDoesNotHideTheFirstFailure()
    {
        int made = 0;
        Pipeline pipeline = (Source.From([1]) | StageNode.Of(() => ++made > 1 ? throw new InvalidOperationException("once only")
            : new Failing())).ForEach(static _ => { });
        var failure = await Assert.ThrowsAsync<PipelineException>(() => pipeline.RunAsync());
        Assert.Equal("it fails", failure.InnerException!.Message);
    }

    [Fact]
    public async Task AFailedRunThatIsOnlyDisposedCausesAWarning()
    {
        using var warned = new WarningListener();
        await using (PipelineRun run = Source.From([1]).ForEach(static _ => throw new InvalidOperationException("nobody looked"))
            .Start(ExecutionMode.SingleThread))
        {
        }
        Assert.Contains(warned.Texts, static text => text.Contains("nothing has asked for its Completion")
            && text.Contains("nobody looked"));
    }

    [Fact]
    public void AFailedRunWithoutReferencesRaisesUnobservedTaskException()
    {
        var told = new List<Exception>();
        EventHandler<UnobservedTaskExceptionEventArgs> listen = (_, e) =>
        {
            lock (told) told.Add(e.Exception);
        };
        TaskScheduler.UnobservedTaskException += listen;
        try
        {
            bool isTold = false;
            for (int i = 0; i < 100 && !isTold; i++)
            {
                Drop();
                GC.Collect();
                GC.WaitForPendingFinalizers();
                lock (told) isTold = told.Exists(static e => e.ToString().Contains("dropped and forgotten", StringComparison.Ordinal));
            }
            Assert.True(isTold);
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= listen;
        }

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static void Drop() => _ = Source.From([1]).ForEach(static _ => throw new InvalidOperationException("dropped and forgotten"))
            .Start(ExecutionMode.SingleThread);
    }

    private sealed class Failing : StageNode<int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
            => throw new InvalidOperationException("it fails");
    }
}
