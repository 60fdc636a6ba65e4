using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

/// <summary>Pure steps: calls with the same arguments in one scope run once.</summary>
public class PureStepTests
{
    private sealed record Key(string Name);

    /// <summary>An argument that equals every other one, and calls the test when it is compared.</summary>
    private sealed class Compared(Action told)
    {
        public override bool Equals(object? obj)
        {
            told();
            return true;
        }

        public override int GetHashCode() => 0;
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1)]
    [InlineData(3)]
    public Task CallsWithEqualArgumentsRunOnce(int? places) => StepLab.WithSeedsAsync(20, lab => lab.RunAsync(async scope =>
    {
        int runs = 0;
        var load = Step.Of(async (string name, int times) =>
        {
            runs++;
            await lab.DelayAsync(1);
            return $"{name}{times}";
        }).Pure().Named("load");
        var name = Step.Of(() => "a");
        Assert.Equal(["a1", "a1", "a1", "a2", "b1"],
            await Future.WhenAll(load("a", 1), load("a", 1), load(name(), Task.FromResult(1)), load("a", 2), load("b", 1)));
        Assert.Equal("a1", await load("a", 1));
        Assert.Equal(3, runs);
        Assert.Contains("load(a, 1) (pure)", scope.Topology.ToText(), StringComparison.Ordinal);

        var byRecord = Step.Of((Key key) => ++runs).Pure(2);
        Assert.Equal(await byRecord(new Key("a")), await byRecord(new Key("a")));
    }, maxConcurrency: places));

    [Fact]
    public async Task AScopeRemembersOnlyItsOwnResults()
    {
        int runs = 0;
        var count = Step.Of((int n) => Interlocked.Increment(ref runs)).Pure();
        Assert.NotEqual(await count(1), await count(1));
        for (int i = 0; i < 2; i++)
        {
            await using StepScope scope = StepScope.Begin();
            int first = await count(1);
            Assert.Equal(first, await count(1));
            await using StepScope inner = StepScope.Begin();
            Assert.NotEqual(first, await count(1));
        }
        Assert.Equal(6, runs);
    }

    [Fact]
    public async Task APureStepForgetsItsOldestResultBeyondItsLimit()
    {
        await using StepScope scope = StepScope.Begin();
        List<int> ran = [];
        var note = Step.Of((int n) =>
        {
            ran.Add(n);
            return n;
        }).Pure(2);
        foreach (int n in new[] { 1, 2, 1, 3, 2, 1, 3 }) Assert.Equal(n, await note(n));
        Assert.Equal([1, 2, 3, 1], ran);
        Assert.Throws<ArgumentOutOfRangeException>(() => note.Pure(0));
    }

    [Fact]
    public async Task APureStepMayKeepAllResults()
    {
        await using StepScope scope = StepScope.Begin();
        int runs = 0;
        var note = Step.Of((int n) => ++runs).Pure(int.MaxValue);
        for (int i = 0; i < 2; i++)
            foreach (int n in new[] { 1, 2, 3 }) Assert.Equal(n, await note(n));
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData(1, false)]
    [InlineData(1, true)]
    public Task FailuresAndCancellationsAreNotRemembered(int? places, bool triesAgain)
        => StepLab.WithSeedsAsync(20, lab => lab.RunAsync(async scope =>
    {
        int runs = 0;
        var load = Step.Of(async (string name, CancellationToken cancellation) =>
        {
            int run = ++runs;
            await lab.DelayAsync(1, cancellation);
            return run <= (triesAgain ? 2 : 1) ? throw new FormatException("no good") : name;
        }).Pure();
        if (triesAgain) load = load.Retry(1);
        Future<string> first = load("a"), second = load("a");
        await Assert.ThrowsAsync<FormatException>(async () => await Future.WhenAll(first, second));
        await scope.Completion;
        Assert.Equal(1, new[] { first, second }.Count(future => future.Status == FutureStatus.Succeeded));
        Assert.Equal("a", await load("a"));
        int before = runs;
        Future<string> third = load("b"), fourth = load("b"), fifth = load("b");
        await lab.DelayAsync(0.5);
        third.Cancel();
        fifth.Cancel();
        Assert.Equal("b", await fourth);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await third);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await fifth);
        Assert.InRange(runs - before, 1, 2);
    }, maxConcurrency: places));

    [Fact]
    public Task AnUnobservedFailureOfAPureStepIsReported() => StepLab.WithSeedsAsync(10, lab => lab.RunAsync(async scope =>
    {
        int runs = 0;
        var load = Step.Of(async (int n) =>
        {
            int run = ++runs;
            await lab.DelayAsync(1);
            return run == 1 ? throw new FormatException("no good") : n;
        }).Pure();
        Future<int> one = load(1), other = load(1);
        await Future.WhenAll(After.EvenIfFailed(one).Get(), After.EvenIfFailed(other).Get());
        await Assert.ThrowsAsync<FormatException>(async () => await scope.Completion);
    }));

    [Theory]
    [InlineData(null)]
    [InlineData(1)]
    public Task APureStepMayCallItselfButACycleFails(int? places) => StepLab.WithSeedsAsync(10, lab => lab.RunAsync(async scope =>
    {
        Step<int, long> fibonacci = null!;
        int runs = 0;
        fibonacci = Step.Of(async (int n) =>
        {
            runs++;
            await lab.DelayAsync(0.1);
            return n < 2 ? n : (await Future.WhenAll(fibonacci(n - 1), fibonacci(n - 2))).Sum();
        }).Pure().Named("fibonacci");
        Assert.Equal(832_040, await fibonacci(30));
        Assert.Equal(31, runs);

        Step<int, int> self = null!;
        self = Step.Of(async (int n) => await self(n)).Pure().Named("self");
        Assert.StartsWith("self waits for self", (await Assert.ThrowsAsync<InvalidOperationException>(async () => await self(1))).Message,
            StringComparison.Ordinal);
    }, maxConcurrency: places));

    /// <summary>The earlier call fails on another thread after it was found and before its value is taken. Further calls wait for the
    /// lock of the memo meanwhile, which makes the moment longer.</summary>
    [Fact]
    public async Task ACallWhoseEarlierTwinFailsAtThatMomentRunsItself()
    {
        var random = new Random(1);
        for (int i = 0; i < 1000; i++)
        {
            await using StepScope scope = StepScope.Begin();
            var failing = new TaskCompletionSource<string>();
            int runs = 0;
            var load = Step.Of((Compared key) => Interlocked.Increment(ref runs) == 1 ? failing.Task : Task.FromResult("run")).Pure();
            int delay = random.Next(200);
            bool isCompared = false;
            Future<string> first = load(new Compared(() =>
            {
                Thread.SpinWait(1000);
                Volatile.Write(ref isCompared, true);
            }));
            while (Volatile.Read(ref runs) == 0) await Task.Yield();
            var other = new Thread(() =>
            {
                while (!Volatile.Read(ref isCompared)) Thread.SpinWait(1);
                Thread.SpinWait(delay);
                failing.SetException(new FormatException("no good"));
            });
            other.Start();
            Future<string>[] later = [.. Enumerable.Range(0, 3).Select(_ => load(new Compared(() => { })))];
            Assert.Equal(["run", "run", "run"], await Future.WhenAll(later));
            other.Join();
            await Assert.ThrowsAsync<FormatException>(async () => await first);
        }
    }

    /// <summary>Many threads call with a few keys: each value is right, and no key runs twice at the same time.</summary>
    [Fact]
    public async Task ConcurrentCallsWithEqualArgumentsShareOneRun()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            await using StepScope scope = StepScope.Begin(maxConcurrency: seed % 4 == 0 ? null : seed % 4,
                TestContext.Current.CancellationToken, new() { RecordsGraph = seed % 2 == 0 });
            int[] running = new int[5];
            var load = Step.Of(async (int n) =>
            {
                Assert.Equal(1, Interlocked.Increment(ref running[n]));
                await Task.Yield();
                Interlocked.Decrement(ref running[n]);
                return n;
            }).Pure(seed % 3 == 0 ? 2 : 100);
            if (seed % 3 == 0) load = Step.Of((int n) => n).Pure(2);
            int[] wanted = [.. Enumerable.Range(0, 200).Select(i => (i * 7) % 5)];
            Assert.Equal(wanted, await Future.WhenAll(wanted.AsParallel().AsOrdered().Select(n => load(n)).ToArray()));
        }
    }
}

file static class Ends
{
    public static Future Get(this After after) => Step.Of(() => { }).After(after, evenIfFailed: false)();
}
