using System.Collections.Concurrent;

namespace Sluice.Tests.Pipelines.Operators;

/// <summary>Behind a KeyBy, a stateful operator treats the items of each key as if there were no other keys.</summary>
public sealed class KeyedOperatorTests
{
    private const int Keys = 7;
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private static readonly Dictionary<string, Func<Source<int>, Source<string>>> Operators = new()
    {
        ["scan"] = source => source.Scan("", (all, n) => all.Length == 0 ? $"{n}" : $"{all},{n}"),
        ["aggregate"] = source => source.Aggregate("", (all, n) => all.Length == 0 ? $"{n}" : $"{all},{n}"),
        ["distinct"] = source => source.Distinct(3).Select(n => $"{n}"),
        ["distinct by"] = source => source.DistinctBy(n => n / 20).Select(n => $"{n}"),
        ["chunk"] = source => source.Chunk(3).Select(Text),
        ["chunk until"] = source => source.Chunk(until: n => n % 4 == 0).Select(Text),
        ["chunk in time"] = source => source.Chunk(4, within: 2 * Second).Select(Text),
        ["group"] = source => source.GroupBy(n => n / 30).Select(group => Text(group.Items)),
        ["take"] = source => source.Take(2).Select(n => $"{n}"),
        ["take none"] = source => source.Take(0).Select(n => $"{n}"),
        ["take while"] = source => source.TakeWhile(n => n % 5 != 0).Select(n => $"{n}"),
        ["skip"] = source => source.Skip(2).Select(n => $"{n}"),
        ["skip while"] = source => source.SkipWhile(n => n % 5 != 0).Select(n => $"{n}"),
        ["debounce"] = source => source.Debounce(Second).Select(n => $"{n}"),
        ["sample"] = source => source.Sample(2 * Second).Select(n => $"{n}"),
        ["delay"] = source => source.Delay(1.5 * Second).Select(n => $"{n}"),
        ["window"] = source => source.Window(3 * Second).Select(window => Text(window.Items)),
        ["sliding window"] = source => source.Window(3 * Second, hop: Second).Select(window => Text(window.Items)),
        ["session"] = source => source.SessionWindow(Second, 5 * Second).Select(window => Text(window.Items)),
        ["timeout"] = source => source.Timeout(3 * Second, end: true).Select(n => $"{n}"),
    };

    public static TheoryData<string, ExecutionMode> Cases
    {
        get
        {
            var cases = new TheoryData<string, ExecutionMode>();
            foreach (string name in Operators.Keys)
                foreach (ExecutionMode mode in Enum.GetValues<ExecutionMode>()) cases.Add(name, mode);
            return cases;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public async Task AnOperatorTreatsEachKeyAsIfItWereAlone(string name, ExecutionMode mode)
    {
        Func<Source<int>, Source<string>> apply = Operators[name];
        for (int seed = 0; seed < 30; seed++)
        {
            (double Wait, int Item)[] script = Script(new Random(seed));
            int lanes = 1 + (seed % 4);
            string[] seen = await PlayAsync(script, mode, source => apply(source | Stage.KeyBy((int n) => n % Keys, lanes)));
            for (int key = 0; key < Keys; key++)
            {
                (double, int)[] own = Array.ConvertAll(script, step => step.Item % Keys == key ? step : (step.Wait, -1));
                // A key without items has no instance. A timeout starts with the first item of its key.
                string[] alone = own.Any(step => step.Item2 >= 0)
                    ? await PlayAsync(name == "timeout" ? FromFirst(own, out double ahead) : Same(own, out ahead), mode, apply, ahead) : [];
                Assert.True(alone.SequenceEqual(seen.Where(output => KeyOf(output) == key)),
                    $"seed {seed}, key {key}, {lanes} lanes: {string.Join(' ', alone)} is expected of {string.Join(' ', seen)}");
            }
        }
    }

    /// <summary>A join pairs by its own keys. In lanes, the two items of a pair could be in different lanes.</summary>
    [Fact]
    public void JoinAndZipBehindAKeyByAreRefused()
    {
        Source<int> keyed = Source.From([1, 2]) | Stage.KeyBy((int n) => n % Keys, 2), plain = Source.From([1]);
        Func<Source<int>, Source<int>> branch = source => source | (n => n);
        string join =
            "Stage.KeyBy does not fit in front of a join: it has keys of its own, by which it pairs. Leave Stage.KeyBy out: items of one "
            + "key meet.";
        Assert.Equal(join, Assert.Throws<InvalidOperationException>(() => keyed.Join(plain, n => n, n => n, (one, other) => one)).Message);
        Assert.Equal(join, Assert.Throws<InvalidOperationException>(() => plain.Join(keyed, n => n, n => n, (one, other) => one)).Message);
        Assert.Equal(join, Assert.Throws<InvalidOperationException>(() => keyed.Join(branch, branch, n => n, n => n, (one, other) => one))
            .Message);
        Assert.Contains("does not fit in front of a zip: it pairs the first item with the first one of the other input",
            Assert.Throws<InvalidOperationException>(() => keyed.Zip(plain, (one, other) => one)).Message, StringComparison.Ordinal);
    }

    /// <summary>A list, and an observer, would be called by several lanes at a time.</summary>
    [Fact]
    public async Task AListAndAnObserverBehindAKeyByAreRefused()
    {
        Source<int> keyed = Source.From([1, 2]) | Stage.KeyBy((int n) => n % Keys, 2);
        Assert.Equal("Stage.KeyBy does not fit here: a sink fills one list, and every lane would have one of its own. KeyBy stands before "
            + "the stage that works by key: put that stage in between, or leave KeyBy out.",
            (await Assert.ThrowsAsync<InvalidOperationException>(() => keyed.ToListAsync())).Message);
        Assert.Contains("a sink calls one observer", Assert.Throws<InvalidOperationException>(() => keyed.ToObservable()
            .Subscribe(new Refused())).Message, StringComparison.Ordinal);
    }

    private sealed class Refused : IObserver<int>
    {
        public void OnNext(int value) { }

        public void OnCompleted() { }

        public void OnError(Exception error) { }
    }

    [Theory]
    [InlineData(ExecutionMode.SingleThread)]
    [InlineData(ExecutionMode.MultiThread)]
    public async Task AThrottleLimitsTheRateOfEachKey(ExecutionMode mode)
    {
        string[] seen = await PlayAsync([(0, 0), (0, 7), (0, 14), (0, 1), (0, 8), (0, 21)], mode,
            source => (source | Stage.KeyBy((int n) => n % Keys, 1)).Throttle(2, 10 * Second).Select(n => $"{n}"));
        Assert.Equal(["0@0", "7@0", "14@10", "1@10", "8@10", "21@10"], seen);
    }

    [Theory]
    [InlineData(ExecutionMode.SingleThread)]
    [InlineData(ExecutionMode.MultiThread)]
    public async Task ADebounceEmitsOneItemPerKey(ExecutionMode mode)
    {
        var run = new TimedRun<string>(mode, source => source | (n => $"device {n}") | Stage.KeyBy((string device) => device, lanes: 4)
            | Pipe.Of<string>().Debounce(Second));
        run.Send(0, 1, 2, 3, 4, 5, 6, 7);
        run.Pass(5);
        Assert.Equal(8, run.Seen.Split('@').Length - 1);
        run.End();
        await run.Run.Completion;
        Assert.Equal(0, run.Clock.ArmedTimers);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(10)]
    public async Task TheLeastRecentlyUsedKeyIsEvictedBeyondMaxKeys(int maxKeys)
    {
        for (int seed = 0; seed < 50; seed++)
        {
            int[] items = [.. Script(new Random(seed)).Select(step => step.Item).Where(item => item >= 0)];
            List<string> expected = [];
            List<(int Key, List<int> Held)> known = [];                  // ordered by last use, the most recent key last
            foreach (int item in items)
            {
                int at = known.FindIndex(one => one.Key == item % Keys);
                if (at < 0 && known.Count == maxKeys) Evict();
                (int Key, List<int> Held) own = at < 0 ? (item % Keys, []) : known[at];
                if (at >= 0) known.RemoveAt(at);
                known.Add(own);
                own.Held.Add(item);
                if (own.Held.Count < 3) continue;
                expected.Add(Text(own.Held));
                own.Held.Clear();
            }
            while (known.Count > 0) Evict();

            List<string> seen = [];
            await (Source.From(items) | Stage.KeyBy((int n) => n % Keys, lanes: 1, maxKeys)).Chunk(3).Select(Text).ForEach(seen.Add)
                .RunAsync(cancellation: TestContext.Current.CancellationToken);
            Assert.Equal(expected, seen);

            void Evict()
            {
                if (known[0].Held.Count > 0) expected.Add(Text(known[0].Held));
                known.RemoveAt(0);
            }
        }
    }

    [Fact]
    public async Task ManyKeysOnManyThreadsEachHaveTheirSum()
    {
        var last = new ConcurrentDictionary<string, long>();
        Source<(string? Key, long Sum)> sums = (Source.Range(0, 40_000) | (n => (Key: n % 501 == 500 ? null : $"{n % 501}", Value: (long)n))
            | Stage.KeyBy(((string? Key, long Value) item) => item.Key, lanes: 4))
            .Scan((Key: (string?)null, Sum: 0L), (sum, item) => (item.Key, sum.Sum + item.Value));
        await sums.ForEach(sum => last[sum.Key ?? "null"] = sum.Sum).RunAsync(cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(Enumerable.Range(0, 40_000).GroupBy(n => n % 501)
            .ToDictionary(key => key.Key == 500 ? "null" : $"{key.Key}", key => key.Sum(n => (long)n)), last);
    }

    [Theory]
    [InlineData(ExecutionMode.SingleThread)]
    [InlineData(ExecutionMode.MultiThread)]
    public async Task ARunCanBeCancelledWhileAKeyWaits(ExecutionMode mode)
    {
        var run = new TimedRun<int>(mode, source => (source | Stage.KeyBy((int n) => n % 2, 2)).Throttle(1, 10 * Second)
            | Stage.Log(_ => { }));
        run.Send(0, 2, 1, 3);
        _ = run.Run.CancelAsync();
        run.Pass(0);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.Run.Completion);
        Assert.Empty(run.Run.StillRunning);
        Assert.Equal(0, run.Clock.ArmedTimers);
    }

    private static string Text(IEnumerable<int> items) => string.Join(',', items);

    private static int KeyOf(string output) => int.Parse(output.Split(',', '@')[0]) % Keys;

    private static (double Wait, int Item)[] Script(Random random)
        => [.. Enumerable.Range(0, random.Next(1, 40))
        .Select(_ => random.Next(3) == 0 ? (random.Next(1, 10) / 4.0, -1) : (0.0, random.Next(0, 100)))];

    private static (double, int)[] Same((double, int)[] script, out double ahead)
    {
        ahead = 0;
        return script;
    }

    private static (double Wait, int Item)[] FromFirst((double Wait, int Item)[] script, out double ahead)
    {
        int first = Array.FindIndex(script, step => step.Item >= 0);
        ahead = script[..first].Sum(step => step.Wait);
        return script[first..];
    }

    private static async Task<string[]> PlayAsync((double Wait, int Item)[] script, ExecutionMode mode,
        Func<Source<int>, Source<string>> pipeline, double ahead = 0)
    {
        await using var run = new TimedRun<string>(mode, pipeline);
        foreach (var (wait, item) in script)
        {
            if (wait > 0) run.Pass(wait);
            if (item >= 0) run.Send(item);
        }
        run.End();
        run.Pass(100);
        await run.Run.Completion;
        Assert.Equal(0, run.Clock.ArmedTimers);
        return [.. run.Seen.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(output => output.Split('@') is [var items, var at]
            ? FormattableString.Invariant($"{items}@{double.Parse(at, System.Globalization.CultureInfo.InvariantCulture) + ahead}")
            : output)];
    }
}
