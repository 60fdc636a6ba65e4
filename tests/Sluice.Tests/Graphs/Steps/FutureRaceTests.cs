using System.Collections.Concurrent;
using System.Collections.Frozen;
using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

/// <summary><c>WhenAny</c>, <c>WhenEach</c> and <c>WhenAll</c> of futures, also of dictionaries and nested lists.</summary>
public class FutureRaceTests
{
    private static Step<double, string, string> Wait(StepLab lab) => Step.Of(async (double seconds, string text) =>
    {
        await lab.DelayAsync(seconds);
        return text == "bad" ? throw new FormatException("no good") : text;
    }).Named("wait");

    [Theory]
    [InlineData(null)]
    [InlineData(1)]
    public Task WhenAnyEndsLikeItsFirstFuture(int? places) => StepLab.WithSeedsAsync(20, lab => lab.RunAsync(async scope =>
    {
        var wait = Wait(lab);
        var loud = Step.Of((string text) => text + "!");
        Assert.Equal("fast!", await loud(Future.WhenAny(wait(3, "slow"), wait(1, "fast"), wait(2, "bad").Settled().Then())));
        Assert.Equal(1, lab.Now);
        await Assert.ThrowsAsync<FormatException>(async () => await Future.WhenAny(wait(3, "slow"), wait(1, "bad")));
        Future<string> ended = wait(0, "there");
        await ended;
        Assert.Equal("there", await Future.WhenAny(wait(1, "slow"), ended));
        Future<string> given = Future.WhenAny(wait(5, "a"), wait(6, "b"));
        given.Cancel();
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await given);
        Assert.Throws<ArgumentException>(() => Future.WhenAny(Array.Empty<Future<int>>()));
        Assert.Equal("task", await Future.WhenAny(wait(9, "slow"), Task.FromResult("task")));
    }, maxConcurrency: null, options: places is null ? lab.Options : lab.Options with { RecordsGraph = false }));

    [Fact]
    public async Task LeavingAWhenEachLoopEarlyReleasesItsFutures()
    {
        var never = new TaskCompletionSource<byte[]>();
        Future<byte[]> slow = never.Task;
        List<WeakReference> quick = [];
        for (int round = 0; round < 1000; round++) quick.Add(await LeaveAsync(slow));
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.InRange(quick.Count(value => value.IsAlive), 0, 500);
        never.SetResult([1]);
        Assert.Equal([1], await slow);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static async Task<WeakReference> LeaveAsync(Future<byte[]> slow)
        {
            byte[] value = new byte[100];
            await foreach (Future<byte[]> first in Future.WhenEach([slow, Task.FromResult(value)]))
            {
                Assert.Same(value, await first);
                break;
            }
            return new(value);
        }
    }

    [Fact]
    public Task AFailureAfterTheFirstFutureOfWhenAnyIsReported() => StepLab.WithSeedsAsync(5, lab => lab.RunAsync(async scope =>
    {
        var wait = Wait(lab);
        Assert.Equal("fast", await Future.WhenAny(wait(1, "fast"), wait(2, "bad")));
        await Assert.ThrowsAsync<FormatException>(async () => await scope.Completion);
    }));

    [Theory]
    [InlineData(null)]
    [InlineData(1)]
    [InlineData(2)]
    public Task WhenEachGivesFuturesInTheOrderOfTheirEnds(int? places) => StepLab.WithSeedsAsync(20, lab => lab.RunAsync(async scope =>
    {
        var wait = Wait(lab);
        var collect = Step.Of(async () =>
        {
            List<string> ended = [];
            await foreach (Future<string> each in Future.WhenEach([wait(3, "c"), wait(1, "a"), wait(2, "bad"), Task.FromResult("task")]))
                ended.Add((await each.Settled()).ValueOr("failed"));
            return string.Join(' ', ended);
        }).Named("collect");
        string order = await collect();
        if (places is null) Assert.Equal("task a failed c", order);
        else Assert.Equal(["a", "c", "failed", "task"], order.Split(' ').Order());
        await scope.Completion;
        Assert.Contains(scope.Topology.Edges, edge => edge.To.Name == "collect");

        using var stop = new CancellationTokenSource();
        Future<string> later = wait(5, "later");
        await using var waits = Future.WhenEach([later], stop.Token).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        ValueTask<bool> next = waits.MoveNextAsync();
        StepLab.Cancel(stop);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await next);
        Assert.Equal("later", await later);
        await foreach (Future<string> none in Future.WhenEach(Array.Empty<Future<string>>())) Assert.Fail(none.Name);
    }, maxConcurrency: places));

    [Fact]
    public async Task WhenEachGivesEveryFutureOnce()
    {
        var step = Step.Of(async (int n) =>
        {
            await Task.Yield();
            return n;
        });
        for (int round = 0; round < 200; round++)
        {
            HashSet<int> seen = [];
            await foreach (Future<int> each in Future.WhenEach(Enumerable.Range(0, 20).Select(n => step(n))))
                Assert.True(seen.Add(await each));
            Assert.Equal(20, seen.Count);
            Assert.InRange(await Future.WhenAny(Enumerable.Range(0, 20).Select(n => step(n))), 0, 19);
        }
    }

    [Fact]
    public async Task DictionariesAndNestedListsOfFuturesMayBeArguments()
    {
        var twice = Step.Of((int n) => 2 * n);
        var sum = Step.Of((Dictionary<string, int> all) => string.Join(' ',
            all.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => $"{entry.Key}={entry.Value}")));
        var read = Step.Of((IReadOnlyDictionary<string, int> all) => all["A"]);
        var flat = Step.Of((int[][] all) => string.Join(" | ", all.Select(row => string.Join(' ', row))));
        Dictionary<string, Future<int>> futures = new(StringComparer.OrdinalIgnoreCase)
        {
            ["a"] = twice(1),
            ["b"] = twice(2),
            ["c"] = Task.FromResult(5)
        };
        Assert.Equal("a=2 b=4 c=5", await sum(Future.WhenAll(futures)));
        Assert.Equal(2, await read(Future.WhenAll(futures).As<IReadOnlyDictionary<string, int>>()));
        Assert.Equal("2 4 | 6 | ", await flat(Future.WhenAll(new List<List<Future<int>>> { new() { twice(1), twice(2) }, new() { twice(3) },
            new() })));
        var fails = Step.Of<int, int>(_ => throw new FormatException());
        await Assert.ThrowsAsync<FormatException>(async () =>
            await sum(Future.WhenAll(new Dictionary<string, Future<int>> { ["a"] = fails(1) })));
        Assert.Throws<ArgumentException>(() => Future.WhenAll(new Dictionary<string, Future<int>> { ["a"] = null! }));

        // Any table keeps its comparer. A comparer that is not known may take two keys for one: that is refused at once.
        Assert.Equal(2, (await Future.WhenAll(futures.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase)))["A"]);
        ConcurrentDictionary<string, Future<int>> shared = new(futures, StringComparer.OrdinalIgnoreCase);
        Assert.Equal(2, (await Future.WhenAll(shared))["A"]);
        Assert.Throws<ArgumentException>(() => Future.WhenAll(new SortedDictionary<Odd, Future<int>>
        {
            [new(1)] = futures["A"],
            [new(2)] = futures["A"],
        }));
    }

    [Fact]
    public async Task AStepMayRunAfterAnythingThatCanBeAwaited()
    {
        var gate = new TaskCompletionSource();
        var valued = new TaskCompletionSource<int>();
        bool isOpen = false;
        var open = Step.Of(() => isOpen);
        Future<bool>[] waiting =
        [
            open.After(gate.Task)(), open.After(new ValueTask(gate.Task))(), open.After(valued.Task, gate.Task)(),
                open.After([gate.Task, open()], evenIfFailed: false)(),
            open.After(After.Of(async () => await new Custom(gate.Task)), evenIfFailed: false)(),
                open.After(After.EvenIfFailed(gate.Task, valued.Task), evenIfFailed: false)(),
        ];
        Assert.DoesNotContain(waiting, future => future.IsCompleted);
        isOpen = true;
        valued.SetResult(1);
        gate.SetResult();
        Assert.DoesNotContain(false, await Future.WhenAll(waiting));

        var failed = Task.FromException(new FormatException("no good"));
        await Assert.ThrowsAsync<FormatException>(async () => await open.After(failed)());
        Assert.True(await open.After(After.EvenIfFailed(failed), evenIfFailed: false)());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await open.After(Task.FromCanceled(new(canceled: true)))());
        Assert.Throws<ArgumentNullException>(() => open.After((Task)null!));
        Assert.Throws<ArgumentException>(() => After.Of(() => null!));
    }

    /// <summary>All are equal, and yet in order.</summary>
    private sealed class Odd(int number) : IComparable<Odd>
    {
        private int Number => number;

        public int CompareTo(Odd? other) => number.CompareTo(other?.Number);

        public override bool Equals(object? obj) => obj is Odd;

        public override int GetHashCode() => 0;
    }

    private readonly struct Custom(Task task)
    {
        public System.Runtime.CompilerServices.TaskAwaiter GetAwaiter() => task.GetAwaiter();
    }
}

file static class Settling
{
    /// <summary>A future of the value; "none" if there is none.</summary>
    public static Future<string> Then(this Future<Settled<string>> outcome)
        => Step.Of((Settled<string> settled) => settled.ValueOr("none"))(outcome);
}
