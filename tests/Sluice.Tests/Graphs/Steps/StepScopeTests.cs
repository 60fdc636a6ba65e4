using Sluice.Diagnostics;
using Sluice.Graphs;
using Sluice.Topologies;

namespace Sluice.Tests.Graphs;

public class StepScopeTests
{
    [Fact]
    public Task StepsMayCallStepsWhileTheyRun() => StepLab.WithSeedsAsync(20, lab => lab.RunAsync(async scope =>
    {
        List<string> pages = [];
        Step<string, int> crawl = null!;
        crawl = Step.Of(async (string path) =>
        {
            await lab.DelayAsync(1);
            pages.Add(path);
            string[] children = path.Length < 4 ? [path + "a", path + "b"] : [];
            _ = Step.Of((string text) => pages.Add("! " + text))(path);      // not awaited: it still runs
            int[] counts = await Future.WhenAll(children.Select(child => crawl(child)));
            return 1 + counts.Sum();
        }).Named("crawl");

        Assert.Equal(15, await crawl("/"));
        await scope.Completion;
        Assert.Equal((30, 4.0), (pages.Count, lab.Now));
        Topology topology = scope.Topology;                                   // an awaited call has an edge to the step that awaits it
        Assert.Equal((30, 14), (topology.Nodes.Count, topology.Edges.Count));
        Assert.Equal([1.0, 2, 3, 4], topology.CriticalPath.Select(node => node.Time!.Value.Elapsed.TotalSeconds));
    }));

    /// <summary>Calls that others wait for are given up knowingly.</summary>
    [Fact]
    public async Task AScopeThatIsLeftBeforeDroppedCallsHaveEndedSaysSo()
    {
        using var warnings = new WarningListener();
        string mark = $"{Guid.NewGuid()}";
        var never = new TaskCompletionSource<int>();
        var slow = Step.Of((int n, CancellationToken cancellation) => never.Task.WaitAsync(cancellation)).Named($"slow {mark}");
        var next = Step.Of((int n) => n).Named($"next {mark}");
        await using (StepScope.Begin()) await Future.WhenAny(slow(1), next(slow(2)), next(5));
        Assert.DoesNotContain(warnings.Texts, text => text.Contains(mark, StringComparison.Ordinal));
        await using (StepScope.Begin()) for (int i = 0; i < 3; i++) _ = slow(i);
        Assert.Contains($"A scope of steps was left before 3 calls that nobody awaits had ended, so they are cancelled: slow {mark}. "
            + "Await scope.Completion first if they are to end.", warnings.Texts);
    }

    [Fact]
    public async Task ScopesMayBeDisposedInAnyOrder()
    {
        var one = Step.Of((int n) => n + 1);
        StepScope outer = StepScope.Begin(), inner = StepScope.Begin();
        await outer.DisposeAsync();
        await inner.DisposeAsync();
        Assert.Equal(2, await one(1));               // in no scope
    }

    /// <summary>The disposed scope stays current for the code that awaits the method that has disposed it.</summary>
    [Fact]
    public Task AScopeBehindOnesThatAnotherMethodHasDisposedIsInsideTheOuterOne() => StepLab.WithSeedsAsync(5, async lab =>
    {
        using var stop = new CancellationTokenSource();
        int running = 0, most = 0;
        await lab.RunAsync(async outer =>
        {
            var work = Step.Of(async (CancellationToken cancellation) =>
            {
                most = Math.Max(most, ++running);
                await lab.DelayAsync(3, cancellation);
                running--;
            }).Named("work");
            await EndAsync(StepScope.Begin(options: lab.Options), StepScope.Begin(options: lab.Options));
            Assert.Contains("dispose of it where it was begun", Assert.Throws<ObjectDisposedException>(() => { _ = work(); }).Message,
                StringComparison.Ordinal);
            await using StepScope next = StepScope.Begin(options: lab.Options);
            Future all = Future.WhenAll(work(), work(), work());
            await lab.DelayAsync(4);
            StepLab.Cancel(stop);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await all);
            Assert.Equal((1, 4.0), (most, lab.Now));
        }, maxConcurrency: 1, cancellation: stop.Token);

        static async Task EndAsync(params StepScope[] scopes)
        {
            foreach (StepScope scope in scopes) await scope.Completion;
            foreach (StepScope scope in scopes) await scope.DisposeAsync();
        }
    });

    [Theory, InlineData(false), InlineData(true)]
    public async Task LeavingAScopeCancelsTheScopesInsideIt(bool hasCall)
    {
        var never = new TaskCompletionSource<int>();
        var wait = Step.Of((CancellationToken cancellation) => never.Task.WaitAsync(cancellation));
        StepScope outer = StepScope.Begin();
        Future? mine = hasCall ? wait().Settled() : null;
        StepScope inner = StepScope.Begin(), ended = StepScope.Begin();
        await ended.DisposeAsync();
        Future waits = wait();
        await outer.DisposeAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => waits.AsTask().WaitAsync(TestContext.Current.CancellationToken));
        await inner.DisposeAsync();
        Assert.Equal(!hasCall, outer.Completion.AsTask().IsCompletedSuccessfully);    // without calls of its own, it was not cut short
        GC.KeepAlive(mine);
    }

    [Fact]
    public async Task AScopeWhoseInnerScopesHaveEndedEndsAtOnce()
    {
        StepScope outer = StepScope.Begin();
        for (int i = 0; i < 2; i++)
        {
            await using StepScope inner = StepScope.Begin();
            await Step.Of(() => 1)();
        }
        Assert.True(outer.DisposeAsync().IsCompletedSuccessfully);
        Assert.True(outer.Completion.AsTask().IsCompletedSuccessfully);
    }

    [Fact]
    public Task TheTopologyShowsTheDependenciesOfEveryStep() => StepLab.WithSeedsAsync(3, lab => lab.RunAsync(async scope =>
    {
        var fetch = Step.Of((string id) => id).Named("fetch");
        var join = Step.Of((IReadOnlyList<string> parts) => string.Join('+', parts)).Named("join").Limit(2);
        var check = Step.Of((Settled<string> text) => text.Succeeded).Named("check");
        var end = Step.Of(() => { }).Named("end");
        Future<string> a = fetch("a"), b = fetch("b");
        await a;
        Future<bool> ok = check(join(Future.WhenAll(a, b, a).As<IReadOnlyList<string>>()));
        await end.After([ok, b], evenIfFailed: true)();

        Topology topology = scope.Topology;
        Assert.Equal(["fetch(a)", "fetch(b)", "join (limit 2)", "check", "end"], topology.Nodes.Select(node => node.ToString()));
        Assert.Equal(["fetch(a)-join", "fetch(b)-join", "join-check", "check-end", "fetch(b)-end"],
            topology.Edges.Select(edge => $"{edge.From.Name}-{edge.To.Name}"));
        Assert.Equal(["-> string", "-> bool", ""], new[] { "fetch(a)", "check", "end" }.Select(name => topology.Find(name).Signature));
    }));

    [Fact]
    public Task ProgressReportsEveryStartAndEveryEnd() => StepLab.WithSeedsAsync(5, async lab =>
    {
        List<string> events = [];
        var options = lab.Options with
        {
            RecordsGraph = false,
            Progress = new Now<StepProgress>(p => events.Add($"{p.At.TotalSeconds} {p} {p.Running}/{p.Called}"))
        };
        await lab.RunAsync(async scope =>
        {
            var wait = Step.Of(async (double seconds) =>
            {
                await lab.DelayAsync(seconds);
                return seconds < 3 ? seconds : throw new FormatException();
            }).Named("wait");
            Future<double> two = wait(2);
            await Assert.ThrowsAsync<FormatException>(async () =>
                await wait(wait(Step.Of((double a, double b) => a + b).Named("sum")(two, 1))));
            Assert.Throws<InvalidOperationException>(() => scope.Topology);
        }, options: options);
        Assert.Equal(["0 wait: running, 0 of 4 ended 1/4", "2 wait: succeeded, 1 of 4 ended 0/4", "2 sum: running, 1 of 4 ended 1/4",
            "2 sum: succeeded, 2 of 4 ended 0/4",
            "2 wait: running, 2 of 4 ended 1/4"], events.Take(5));
        Assert.Equal(["5 wait: failed, 4 of 4 ended 0/4", "5 wait: failed, 4 of 4 ended 0/4"], events.Skip(5));
    });

    [Fact]
    public Task CompletionWaitsForCallsThatRunningStepsMake() => StepLab.WithSeedsAsync(10, lab => lab.RunAsync(async scope =>
    {
        Assert.True(scope.Completion.AsTask().IsCompletedSuccessfully);
        var later = Step.Of(async (int n) => await lab.DelayAsync(n));
        _ = Step.Of(async () =>
        {
            await lab.DelayAsync(1);
            _ = later(5);
        })();
        await scope.Completion;
        Assert.Equal(6, lab.Now);
        _ = later(1);
        await scope.Completion;
        Assert.Equal(7, lab.Now);
    }));

    private sealed class Now<T>(Action<T> report) : IProgress<T>
    {
        public void Report(T value) => report(value);
    }
}
