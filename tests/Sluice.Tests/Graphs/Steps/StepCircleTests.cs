using Sluice.Graphs;
using Sluice.Topologies;

namespace Sluice.Tests.Graphs;

/// <summary>Steps that wait for each other: the await that closes the cycle fails, and names the steps of the cycle.</summary>
public class StepCircleTests
{
    private static string Text(Exception e) => e.Message[..e.Message.IndexOf(':', StringComparison.Ordinal)];

    [Theory]
    [InlineData(null)]
    [InlineData(1)]
    public Task ABodyThatAwaitsItsOwnFutureFails(int? places) => StepLab.WithSeedsAsync(20, lab => lab.RunAsync(async scope =>
    {
        Future<int> own = null!;
        var lone = Step.Of(async (int n) =>
        {
            await lab.DelayAsync(1);
            return n + await own;
        }).Named("lone");
        own = lone(1);
        Assert.StartsWith("lone waits for its own end: it could never end. Let it end without waiting: ",
            (await Assert.ThrowsAsync<InvalidOperationException>(async () => await own)).Message, StringComparison.Ordinal);
        Topology picture = scope.Topology;
        Assert.Contains("awaited itself, a circle", picture.ToText(), StringComparison.Ordinal);
        Assert.Empty(picture.Edges);
    }, maxConcurrency: places));

    [Theory]
    [InlineData(null, false)]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public Task StepsThatAwaitEachOtherFailAndNameTheCycle(int? places, bool triesAgain)
        => StepLab.WithSeedsAsync(40, lab => lab.RunAsync(async scope =>
    {
        Future<int> first = null!, last = null!;
        string closes = "";                          // the step that awaited last has closed the cycle
        var ask = Step.Of(async (int n) =>
        {
            await lab.DelayAsync(1);
            closes = "ask";
            return n + await last;
        }).Named("ask");
        if (triesAgain) ask = ask.Retry(1).Timeout(TimeSpan.FromHours(1));
        var plain = Step.Of((int n) => n).Named("plain");
        var answer = Step.Of(async (int n) =>
        {
            await lab.DelayAsync(lab.Scheduler.Seed % 2);
            closes = "answer";
            return (await Future.WhenAll(plain(1), plain(first))).Sum() + n;
        }).Named("answer");
        first = ask(1);
        last = answer(1);
        string message = Text(await Assert.ThrowsAsync<InvalidOperationException>(async () => await Future.WhenAll(first, last)));
        Assert.Equal(closes == "ask" ? "ask waits for answer, which waits for plain, which waits for ask"
            : "answer waits for plain, which waits for ask, which waits for answer", message);
        Assert.Contains("a circle", scope.Topology.ToText(), StringComparison.Ordinal);
    }, maxConcurrency: places));

    [Fact]
    public Task ABodyWhoseAwaitOfAScopeWasRefusedDoesNotWaitForIt() => StepLab.WithSeedsAsync(5, lab => lab.RunAsync(async _ =>
    {
        StepScope? inner = null;
        var begin = Step.Of(async (int n) =>
        {
            await lab.DelayAsync(2);
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await inner!.Completion);
            await lab.DelayAsync(2);
            return n;
        }).Named("begin");
        Future<int> first = begin(1);
        var wait = Step.Of(async (int n) => n + await first).Named("wait");
        await using (inner = StepScope.Begin(options: lab.Options))
        {
            Future<int> second = wait(1);
            await lab.DelayAsync(3);
            Future<int> third = wait(2);
            Assert.Equal((2, 3), (await second, await third));
        }
    }));

    /// <summary>The step that was tried again waits first, and the other one closes the cycle.</summary>
    [Fact]
    public Task ACycleWithAStepThatWasTriedAgainFails() => StepLab.WithSeedsAsync(20, lab => lab.RunAsync(async scope =>
    {
        Future<int> first = null!, last = null!;
        int attempts = 0;
        bool waits = false;
        var ask = Step.Of(async (int n) =>
        {
            await lab.DelayAsync(1);
            if (++attempts == 1) throw new FormatException("not yet");
            waits = true;
            return n + await last;
        }).Named("ask").Retry(1);
        var answer = Step.Of(async (int n) =>
        {
            while (!waits) await lab.DelayAsync(1);
            await lab.DelayAsync(1);
            return n + await first;
        }).Named("answer");
        first = ask(1);
        last = answer(1);
        string message = Text(await Assert.ThrowsAsync<InvalidOperationException>(async () => await Future.WhenAll(first, last)));
        Assert.Equal("answer waits for ask, which waits for answer", message);
    }, maxConcurrency: 2));

    [Fact]
    public Task ACycleThroughAScopeFails() => StepLab.WithSeedsAsync(40, lab => lab.RunAsync(async scope =>
    {
        Future<int> own = null!;
        string closes = "";                          // the step that awaited last has closed the cycle
        var inner = Step.Of(async () =>
        {
            await lab.DelayAsync(lab.Scheduler.Seed % 3);
            closes = "inner";
            return await own;
        }).Named("inner");
        var outer = Step.Of(async () =>
        {
            await using StepScope around = StepScope.Begin(options: lab.Options with { StopTimeout = TimeSpan.Zero });
            _ = inner();
            await lab.DelayAsync(1);
            closes = "outer";
            await around.Completion;
            return 1;
        }).Named("outer");
        own = outer();
        string message = Text(await Assert.ThrowsAsync<InvalidOperationException>(async () => await own));
        Assert.Equal(closes == "outer" ? "outer waits for inner, which waits for outer"
            : "inner waits for outer, which waits for inner", message);
    }));

    [Fact]
    public async Task OneOfTwoStepsThatAwaitEachOtherAtOnceFindsTheCycle()
    {
        for (int round = 0; round < 300; round++)
        {
            await using StepScope scope = StepScope.Begin(maxConcurrency: round % 3 == 0 ? null : round % 3,
                TestContext.Current.CancellationToken);
            using var meeting = new Barrier(2);
            var made = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Future<int> one = null!, other = null!;
            var ask = Step.Of(async (bool isOne) =>
            {
                await made.Task;
                if (round % 3 != 1) meeting.SignalAndWait(TestContext.Current.CancellationToken);
                return await (isOne ? other : one);
            }).Named("ask");
            (one, other) = (ask(true), ask(false));
            made.SetResult();
            Task<int[]> both = Future.WhenAll(one, other).AsTask();
            await Assert.ThrowsAsync<InvalidOperationException>(() => both.WaitAsync(TimeSpan.FromMinutes(1),
                TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public Task NestedAwaitsWithoutACycleSucceed() => StepLab.WithSeedsAsync(20, lab => lab.RunAsync(async scope =>
    {
        var leaf = Step.Of(async (int n) =>
        {
            await lab.DelayAsync(1);
            return n;
        });
        Future<int> shared = leaf(1);
        var user = Step.Of(async (int n) => n + await shared + await leaf(shared));
        var chain = Step.Of(async (int n) => n + await user(user(n)));
        Assert.Equal(4 + 6, await chain(0) + await chain(1));
    }, maxConcurrency: 2));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ACycleIsFoundWithoutARecordedGraph(bool hasScope)
    {
        for (int round = 0; round < 200; round++)
        {
            await using StepScope? scope = hasScope ? StepScope.Begin(options: new() { RecordsGraph = false }) : null;
            var made = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Future<int> own = null!, helped = null!;
            var go = Step.Of(async () => await made.Task).Named("go");
            Future gate = go();
            async Task<int> HelpAsync() => await helped;
            var lone = Step.Of(async (int n) => n + await own).Named("lone").After(gate);
            var helper = Step.Of(async (int n) => n + await HelpAsync()).Named("helper").After(gate);
            var late = Step.Of(async (int n) =>
            {
                await Task.Yield();
                return n;
            }).Named("late").After(gate);
            var ask = Step.Of(async (int n) => n + await late(n)).Named("ask").After(gate);
            Future<int> delayed = null!;
            var second = Step.Of(async (int n) => await late(n) + await delayed).Named("second").After(gate);
            (own, helped, delayed) = (lone(1), helper(1), second(1));
            Future<int> fine = ask(1);
            made.SetResult();
            Assert.Equal("lone waits for its own end", Text(await FailureAsync(own)));
            Assert.Equal("helper waits for its own end", Text(await FailureAsync(helped)));
            Assert.Equal("second waits for its own end", Text(await FailureAsync(delayed)));
            Assert.Equal(2, await fine);
        }

        static Task<InvalidOperationException> FailureAsync(Future<int> future)
            => Assert.ThrowsAsync<InvalidOperationException>(() => future.AsTask()
            .WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AContinuationThatRunsInsideABodyMayAwaitItsFuture(bool? records)
    {
        for (int round = 0; round < 100; round++)
        {
            await using StepScope? scope = records is { } isRecorded ? StepScope.Begin(options: new() { RecordsGraph = isRecorded }) : null;
            var started = new TaskCompletionSource();        // its continuations run inside the code that completes it
            var isRead = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Future<int> made = null!;
            async Task<int> WatchAsync()
            {
                await started.Task;
                Future<int> seen = made;
                isRead.SetResult();
                return await seen;
            }
            Task<int> watch = WatchAsync();
            var isMade = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var go = Step.Of(async () => await isMade.Task).Named("go");
            var work = Step.Of(async (int n) =>
            {
                started.SetResult();
                await isRead.Task;
                return n;
            }).Named("work").After(go());
            made = work(1);
            isMade.SetResult();
            Assert.Equal(1, await watch.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task ACycleWithAStepThatStartsLaterIsFound()
    {
        for (int round = 0; round < 200; round++)
        {
            var made = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Future<int> first = null!, last = null!;
            var ask = Step.Of(async (int n) => n + await last).Named("ask");
            var answer = Step.Of(async (int n) => n + await first).Named("answer");
            last = answer.After(made.Task)(1);
            first = ask(1);
            // ask waits for answer, which has not begun.
            while (first.Status != FutureStatus.Running) await Task.Yield();
            await Waiting(last);
            made.SetResult();
            var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => last.AsTask()
                .WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
            // ask may still be searching when answer begins to wait: then both find the cycle.
            Assert.Contains(Text(failure), (string[])["answer waits for ask, which waits for answer",
                "ask waits for answer, which waits for ask"]);
        }

        static async Task Waiting(Future last)
        {
            while (!last.WaitedForBy().Any()) await Task.Yield();
        }
    }
}
