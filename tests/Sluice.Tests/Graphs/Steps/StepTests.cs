using Sluice.Graphs;
using Sluice.Topologies;

namespace Sluice.Tests.Graphs;

public class StepTests
{
    [Fact]
    public async Task AStepMayHaveTheResultUnit()
    {
        Step<Unit> none = Step.Of(() => default(Unit));
        Step<int, Unit> one = Step.Of((int n) => Task.FromResult(default(Unit)));
        Assert.Equal(default, await none.Limit(1)());
        Assert.Equal(default, await one.Named("one")(1));
    }

    [Fact]
    public Task TheMakespanOfTheEtlExampleIsItsCriticalPath() => StepLab.WithSeedsAsync(20, async lab =>
    {
        var times = new Dictionary<string, double> { ["a1"] = 1, ["a2"] = 2, ["b1"] = 4, ["b2"] = 0.5, ["c1"] = 6, ["c2"] = 3.5 };
        List<string> bodies = [];
        async Task<string> AfterAsync(double seconds, string result, string body)
        {
            lock (bodies) bodies.Add(body);
            await lab.DelayAsync(seconds);
            return result;
        }
        var fetch = Step.Of((string id) => AfterAsync(times[id], id + "x", "fetch"));
        var concatenate = Step.Of((string left, string right) => AfterAsync(1, left + right, "concatenate"));
        var strip = Step.Of((string text) => AfterAsync(1, string.Concat(text.Where(c => !char.IsDigit(c))), "strip"));
        string? uploaded = null;
        var upload = Step.Of(async (string a, string b, string c) =>
        {
            uploaded = await AfterAsync(1, $"{a} {b} {c}", "upload");
        });

        await lab.RunAsync(async scope =>
        {
            var ca = concatenate(fetch("a1"), fetch("a2"));
            var cb = concatenate(fetch("b1"), fetch("b2"));
            var cc = concatenate(fetch("c1"), fetch("c2"));
            var cab = concatenate(ca, cb);
            await upload(strip(ca), strip(cab), strip(cc));

            Assert.Equal(9, lab.Now);
            Assert.Equal("axax axaxbxbx cxcx", uploaded);
            Assert.Equal(14, bodies.Count);                  // ca is used twice and ran once
            Topology topology = scope.Topology;
            Assert.Equal((14, 14), (topology.Nodes.Count, topology.Edges.Count));
            Assert.Equal(["6.00 s from 0", "1.00 s from 6.00 s", "1.00 s from 7.00 s", "1.00 s from 8.00 s"],
                topology.CriticalPath.Select(node => $"{node.Time}"));
        });
    });

    [Fact]
    public Task TheMakespanOfRandomGraphsIsTheirCriticalPath() => StepLab.WithSeedsAsync(60, async lab =>
    {
        var random = new Random(lab.Scheduler.Seed);
        int count = random.Next(2, 120);
        var ends = new double[count];
        await lab.RunAsync(async scope =>
        {
            var sum = Step.Of(async (int[] values, double seconds) =>
            {
                await lab.DelayAsync(seconds);
                return values.Sum() + 1;
            });
            var futures = new Future<int>[count];
            var expected = new int[count];
            for (int node = 0; node < count; node++)
            {
                int[] parents = [.. Enumerable.Range(0, random.Next(0, Math.Min(node, 5) + 1)).Select(_ => random.Next(node)).Distinct()];
                int seconds = random.Next(1, 20);
                ends[node] = seconds + (parents.Length == 0 ? 0 : parents.Max(parent => ends[parent]));
                expected[node] = 1 + parents.Sum(parent => expected[parent]);
                futures[node] = sum(Future.WhenAll(parents.Select(parent => futures[parent])), seconds);
            }
            await scope.Completion;

            Assert.Equal(ends.Max(), lab.Now);
            for (int node = 0; node < count; node++) Assert.Equal(expected[node], await futures[node]);
        });
    });

    [Fact]
    public async Task ArgumentsMayMixValuesFuturesTasksAndCollections()
    {
        var length = Step.Of((string text) => text.Length);
        var describe = Step.Of((object thing, IReadOnlyList<int> numbers, int more) => $"{thing}: {string.Join('+', numbers)}, {more}");
        var later = new TaskCompletionSource<int>();

        Future<int[]> numbers = Future.WhenAll(length("one"), length("three"));
        Future<string> described = describe(length("four"), numbers.As<IReadOnlyList<int>>(), later.Task);
        Future<string> plain = describe("four", Arg.Of<IReadOnlyList<int>>([7]), new ValueTask<int>(8));
        later.SetResult(9);

        Assert.Equal(("4: 3+5, 9", "four: 7, 8"), (await described, await plain));
        Assert.Contains("cannot be assigned", Assert.Throws<ArgumentException>(() => numbers.As<string>()).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task ACallRunsOnceForAllItsUsersAndNeverInline()
    {
        int runs = 0;
        int caller = Environment.CurrentManagedThreadId;
        bool isCalling = true;
        bool wasInside = false;
        var count = Step.Of(() =>
        {
            wasInside |= isCalling && Environment.CurrentManagedThreadId == caller;
            return Interlocked.Increment(ref runs);
        });
        var add = Step.Of((int a, int b) => a + b);
        Future<int> one = count();
        Future<int>[] sums = [.. Enumerable.Range(0, 50).Select(n => add(one, one))];
        isCalling = false;

        Assert.All(await Future.WhenAll(sums), sum => Assert.Equal(2, sum));
        Assert.Equal((1, 1), (await one, runs));
        Assert.False(wasInside);
    }

    [Fact]
    public async Task EveryKindOfFunctionMayBeAStep()
    {
        List<string> seen = [];
        void Note(string what)
        {
            lock (seen) seen.Add(what);
        }
        await Step.Of(() => Note("action"))();
        await Step.Of((string a) => Note(a))("a1");
        await Step.Of(async (string a) =>
        {
            await Task.Yield();
            Note(a);
        })("a2");
        await Step.Of((string a, CancellationToken cancellation) => new ValueTask(Task.Run(() => Note(a), cancellation)))("a3");
        Assert.Equal(3, await Step.Of(() => new ValueTask<int>(3))());
        Assert.Equal(6, await Step.Of(async (int a, int b, int c, CancellationToken cancellation) =>
        {
            await Task.Delay(0, cancellation);
            return a + b + c;
        })(1, 2, 3));
        Assert.Equal(10, await Step.Of((int a, int b, int c, int d) => a + b + c + d)(1, 2, 3, 4));
        Assert.Equal(["action", "a1", "a2", "a3"], seen);

        var step = Step.Of<string, int>(int.Parse);
        Assert.Same(step, Step.Of(step));
        Assert.Equal("Parse", step("1").Name);
        Assert.Equal("number", step.Named("number")("1").Name);
    }

    [Fact]
    public async Task InvalidArgumentsAreRefusedAtTheCall()
    {
        var step = Step.Of((string text) => text);
        Future<string> nothing = null!;
        Assert.Contains("it is null", Assert.Throws<ArgumentNullException>(() => step(nothing)).Message, StringComparison.Ordinal);
        Assert.Contains("number 2 of 2 is null", Assert.Throws<ArgumentException>(() => step.After(step("a"), nothing)).Message,
            StringComparison.Ordinal);
        Assert.Contains("number 1 of 1 is null", Assert.Throws<ArgumentException>(() => Future.WhenAll([nothing])).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Retry(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Limit(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Timeout(TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => StepScope.Begin(maxConcurrency: 0));
        Step<string, string> own = text => step(text);
        Assert.Contains("Only what Step.Of has made", Assert.Throws<ArgumentException>(() => own.Retry(1)).Message,
            StringComparison.Ordinal);
        Assert.Equal("a", await own("a"));
    }
}
