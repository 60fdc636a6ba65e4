using System.Collections.Concurrent;

namespace Sluice.Tests.Delivery;

/// <summary>The expected outcome of one accepted item.</summary>
internal sealed class Expectation
{
    public List<string> Lines { get; } = [];

    public int DeadParts { get; set; }

    /// <summary>A node fails for good after it has put something out: then the whole item dies.</summary>
    public bool DiesWhole { get; set; }
}

/// <summary>A random pipeline, and what it must make of an item. Nodes fail now and then, or always, as the item and the seed
/// say.</summary>
internal sealed class RandomBody(int seed)
{
    private readonly Random random = new(seed);
    private readonly ConcurrentDictionary<(int Step, int Value), int> starts = new();
    private int steps;

    public (Func<Source<int>, Source<int>> Build, Action<int, Expectation, Action<int>> Expect) Make(int depth = 3)
    {
        List<(Func<Source<int>, Source<int>> Build, Action<int, Expectation, Action<int>> Expect)> chain = [];
        int length = random.Next(1, 4);
        for (int i = 0; i < length; i++) chain.Add(MakeStep(depth));
        return (source => chain.Aggregate(source, (built, step) => step.Build(built)),
            (value, expected, next) => Run(0, value, expected, next));

        void Run(int at, int value, Expectation expected, Action<int> next)
        {
            if (at == chain.Count) next(value);
            else chain[at].Expect(value, expected, result => Run(at + 1, result, expected, next));
        }
    }

    private (Func<Source<int>, Source<int>>, Action<int, Expectation, Action<int>>) MakeStep(int depth)
    {
        int step = ++steps;
        switch (random.Next(depth > 0 ? 12 : 8))
        {
            case 0:
                return (source => source | (n => n + 1), (n, _, next) => next(n + 1));
            case 1:
                return (source => source.Where(n => n % 5 != 0), (n, _, next) =>
                {
                    if (n % 5 != 0) next(n);
                }
                );
            case 2:
                return (source => source | Split, (n, _, next) =>
                {
                    foreach (int part in Split(n)) next(part);
                }
                );
            case 3:
                return (source => source | Faulty, ExpectFaulty);
            case 4:
                return (source => source.SelectAsync(FaultyLaterAsync) | Stage.Parallel(3), ExpectFaulty);
            case 5:
                return (source => source | (n => n ^ 5) | Stage.Buffer(4), (n, _, next) => next(n ^ 5));
            case 6:
                return (source => source | Stage.KeyBy((int n) => n % 7, lanes: 3) | Faulty, ExpectFaulty);
            case 7:
                return (source => source | Sluice.StageNode.Of(() => new Pair(this, step)), (n, expected, next) =>
                {
                    next(n);
                    if (FailsAlways(step, n)) (expected.DeadParts, expected.DiesWhole) = (expected.DeadParts + 1, true);
                    else next(n + 1000);
                }
                );
            case 8:
                var (left, expectLeft) = Make(depth - 1);
                var (right, expectRight) = Make(depth - 1);
                return (source => source | [left, right], (n, expected, next) =>
                {
                    expectLeft(n, expected, next);
                    expectRight(n, expected, next);
                }
                );
            case 9:
                var (even, expectEven) = Make(depth - 1);
                var (odd, expectOdd) = Make(depth - 1);
                return (source => source.Route(n => n % 2 == 0 ? "even" : "odd", ("even", even), ("odd", odd)),
                    (n, expected, next) => (n % 2 == 0 ? expectEven : expectOdd)(n, expected, next));
            case 10:
                var (first, expectFirst) = Make(depth - 1);
                var (second, expectSecond) = Make(depth - 1);
                return (source => source.ForkJoin(first, second, Joined), (n, expected, next) =>
                {
                    var inside = new Expectation();
                    List<int> firsts = [], seconds = [];
                    expectFirst(n, inside, firsts.Add);
                    expectSecond(n, inside, seconds.Add);
                    if (inside.DeadParts > 0) (expected.DeadParts, expected.DiesWhole) = (expected.DeadParts + 1, true);
                    else next(Joined(n, firsts, seconds));
                }
                );
            default:
                return (source => source | Faulty | Stage.Retry(1, Backoff.None), ExpectFaulty);
        }

        int Faulty(int n)
        {
            Attempt(step, n);
            return n * 3;
        }

        async ValueTask<int> FaultyLaterAsync(int n, CancellationToken cancellation)
        {
            await Task.Yield();
            return Faulty(n);
        }

        void ExpectFaulty(int n, Expectation expected, Action<int> next)
        {
            if (FailsAlways(step, n)) expected.DeadParts++;
            else next(n * 3);
        }
    }

    private static IEnumerable<int> Split(int n)
    {
        for (int i = 0; i < Math.Abs(n % 4); i++) yield return (n * 4) + i;
    }

    private static int Joined(int n, IReadOnlyList<int> first, IReadOnlyList<int> second)
        => (n + (first.Sum() * 7) + (second.Sum() * 11) + first.Count + (second.Count * 5)) & 0xFFFFF;

    private bool FailsAlways(int step, int value) => FateOf(step, value) < 4;

    // Not HashCode: its seed differs from process to process, and a failure must be repeatable.
    private int FateOf(int step, int value)
    {
        ulong hash = ((ulong)(uint)value * 0x9E3779B97F4A7C15) ^ ((ulong)(uint)(step + (seed * 31)) * 0xC2B2AE3D27D4EB4F);
        hash ^= hash >> 29;
        hash *= 0xBF58476D1CE4E5B9;
        return (int)((hash >> 32) % 100);
    }

    private void Attempt(int step, int value)
    {
        int fate = FateOf(step, value);
        int start = starts.AddOrUpdate((step, value), 1, static (_, known) => known + 1);
        if (fate < 4) throw new FormatException($"{value} is poison at step {step}");
        if (fate < 10 && start <= fate - 3) throw new TimeoutException($"{value} fails at step {step} for the {start}. time");
    }

    private sealed class Pair(RandomBody owner, int step) : StageNode<int, int>
    {
        protected override async ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            await output.PushAsync(item);
            owner.Attempt(step, item);
            await output.PushAsync(item + 1000);
        }
    }
}
