using Sluice.Diagnostics;
using Sluice.Testing;

namespace Sluice.Tests.Pipelines.Operators;

/// <summary>Compares fork-joins with random, partly nested branches with a computation on lists.</summary>
public class RandomForkJoinTests
{
    [Fact]
    public Task EveryItemIsJoinedOnceUnderRandomSchedules()
        => ForEachSeedAsync(600, static seed => PlayAsync(seed, new Random(seed), isSeeded: true));

    [Fact]
    public Task EveryItemIsJoinedOnceOnThreads() => ForEachSeedAsync(300,
        static seed => PlayAsync(seed, new Random(seed), isSeeded: false));

    private static async Task PlayAsync(int seed, Random random, bool isSeeded)
    {
        int count = random.Next(0, 60), step = random.Next(1, 8);
        ExecutionMode mode = random.Next(3) == 0 ? ExecutionMode.SingleThread : ExecutionMode.MultiThread;
        RandomFork fork = RandomFork.Next(random, depth: 2);
        List<string> seen = [];
        int isBusy = 0;
        var clock = new TestClock();
        var scheduler = isSeeded && mode == ExecutionMode.MultiThread ? new SeededScheduler(seed) : null;
        var options = new RunOptions
        {
            Mode = mode,
            MaxBufferedItems = random.Next(1, 12),
            TrackItems = true,
            Scheduler = scheduler,
            Time = clock,
            Seed = seed
        };
        Source<long> source = Source.From(Enumerable.Range(0, count).Select(n => (long)n * step));
        if (random.Next(2) == 0) source = source | Stage.Buffer(random.Next(1, 4));
        await using PipelineRun run = (fork.Build(source) | Stage.Named("join") | (line =>
        {
            Assert.Equal(0, Interlocked.Exchange(ref isBusy, 1));
            seen.Add(line);
            Volatile.Write(ref isBusy, 0);
        })).Start(options);
        if (scheduler is null) await run.Completion.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        else await scheduler.RunToEndAsync(run, clock);

        List<Made<string>> made = [.. Enumerable.Range(0, count).Select(n => fork.Expect((long)n * step))];
        List<string> expected = [.. made.Where(static one => !one.HasFailed).Select(static one => one.Outputs[0])];
        Assert.Equal(fork.IsUnordered ? [.. expected.Order()] : expected, fork.IsUnordered ? [.. seen.Order()] : seen);
        RunSnapshot end = run.Snapshot();
        NodeSnapshot join = end.Nodes.Single(static node => node.Name == "join");
        Assert.Equal(((long)expected.Count, 0L, 0L), (join.Out, join.Failed, join.Queued));
        long failed = made.Count(static one => one.HasFailed || one.HasSkipped);
        Assert.Equal(((long)count, count - failed, failed, 0L),
            (end.Roots!.Value.Accepted, end.Roots.Value.Completed, end.Roots.Value.Failed, end.Roots.Value.Pending));
        Assert.Equal(made.Any(static one => one.HasFailed), end.DeadLetters.Count > 0);
    }

    private static async Task ForEachSeedAsync(int count, Func<int, Task> playAsync)
    {
        string? only = Environment.GetEnvironmentVariable("SLUICE_SEED");
        for (int seed = only is null ? 1 : int.Parse(only); seed <= (only is null ? count : int.Parse(only)); seed++)
        {
            try
            {
                await playAsync(seed);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"SLUICE_SEED={seed} repeats it: {e.Message}", e);
            }
        }
    }
}

/// <summary>The expected result of an item.</summary>
/// <param name="Outputs">The outputs.</param>
/// <param name="HasFailed">Whether the item fails because one of its parts is dead-lettered.</param>
/// <param name="HasSkipped">Whether a part of the item fails and is skipped.</param>
internal sealed record Made<T>(IReadOnlyList<T> Outputs, bool HasFailed = false, bool HasSkipped = false)
{
    public Made<TOther> With<TOther>(IEnumerable<TOther> outputs) => new([.. outputs], HasFailed, HasSkipped);

    public static Made<T> Together(IReadOnlyList<Made<T>> parts)
        => new([.. parts.SelectMany(static part => part.Outputs)], parts.Any(static part => part.HasFailed),
        parts.Any(static part => part.HasSkipped));
}

/// <summary>A fork-join with random branches that can also compute its expected output.</summary>
internal sealed class RandomFork(IReadOnlyList<RandomBranch> branches, bool isUniform)
{
    public bool IsUnordered => branches.Any(static branch => branch.IsUnordered);

    public static RandomFork Next(Random random, int depth)
        => new([.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => RandomBranch.Next(random, depth))], random.Next(2) == 0);

    public Source<string> Build(Source<long> source) => isUniform || branches.Count == 1
        ? source.ForkJoin([.. branches.Select(static branch => (Func<Source<long>, Source<long>>)branch.Build)], Line)
        : branches.Count == 2
            ? source.ForkJoin(branches[0].Build, branches[1].Build, (item, one, two) => Line(item, [one, two]))
            : source.ForkJoin(branches[0].Build, branches[1].Build, branches[2].Build,
            (item, one, two, three) => Line(item, [one, two, three]));

    public Made<string> Expect(long item)
    {
        List<Made<long>> parts = [.. branches.Select(branch => branch.Expect(item))];
        Made<long> all = Made<long>.Together(parts);
        return all.With<string>(all.HasFailed ? [] : [Line(item, [.. parts.Select(static part => part.Outputs)])]);
    }

    private string Line(long item, IReadOnlyList<IReadOnlyList<long>> parts)
        => $"{item}: {string.Join(" | ", parts.Select((part, n) => string.Join<long>(' ', branches[n].KeepsOutputs ? part : part.Order())))}";
}

/// <summary>A chain of random steps.</summary>
internal sealed class RandomBranch
{
    private readonly List<RandomStep> steps = [];

    public bool IsUnordered => steps.Exists(static step => step.IsUnordered);

    /// <summary>Whether the outputs of the branch keep the order of the list.</summary>
    public bool KeepsOutputs => steps.TrueForAll(static step => step.KeepsOutputs);

    public static RandomBranch Next(Random random, int depth)
    {
        var branch = new RandomBranch();
        for (int i = random.Next(4); i > 0; i--) branch.steps.Add(RandomStep.Next(random, depth));
        return branch;
    }

    public Source<long> Build(Source<long> source) => steps.Aggregate(source, static (before, step) => step.Build(before));

    public Made<long> Expect(long item)
    {
        Made<long> made = new([item]);
        foreach (RandomStep step in steps)
        {
            Made<long> next = Made<long>.Together([.. made.Outputs.Select(step.Expect)]);
            made = new(next.Outputs, made.HasFailed || next.HasFailed, made.HasSkipped || next.HasSkipped);
        }
        return made;
    }
}

/// <param name="Build">Appends the step to a source.</param>
/// <param name="Expect">Computes the expected outputs for an item.</param>
internal sealed record RandomStep(Func<Source<long>, Source<long>> Build, Func<long, Made<long>> Expect)
{
    public bool IsUnordered { get; init; }

    public bool KeepsOutputs { get; init; } = true;

    public static RandomStep Next(Random random, int depth)
    {
        int k = random.Next(2, 6), lanes = random.Next(2, 5);
        switch (random.Next(depth > 0 ? 12 : 10))
        {
            case 0: return new(source => source | (n => n + k), n => new([n + k]));
            case 1: return new(source => source.Where(n => n % k != 0), n => new(n % k != 0 ? [n] : []));
            case 2: return new(source => source.Where(static n => n < 0), static _ => new([]));
            case 3: return new(source => source.SelectMany(n => Many(n, k)), n => new([.. Many(n, k)]));
            case 4: return new(source => source.Buffer(k), static n => new([n]));
            case 5: return new(source => source | PauseAsync, static n => new([n]));
            case 6: return new(source => source | PauseAsync | Stage.Parallel(lanes), static n => new([n]));
            case 7:
                return new(source => source | PauseAsync | Stage.Parallel(lanes).Unordered, static n => new([n]))
                {
                    IsUnordered = true,
                    KeepsOutputs = false
                };
            case 8:
                return new(source => source | Stage.KeyBy((long n) => n % 3, lanes) | PauseAsync,
                static n => new([n]))
                { IsUnordered = true, KeepsOutputs = false };
            case 9:
                bool isFinal = random.Next(3) == 0;
                return new(
                    source => source | (n => n % 11 == k ? throw new FormatException("on purpose") : n)
                        | Stage.OnError(isFinal ? ErrorPolicy.DeadLetter : ErrorPolicy.Skip),
                    n => n % 11 == k ? new([], isFinal, !isFinal) : new([n]));
            case 10:
                RandomFork fork = RandomFork.Next(random, depth - 1);
                return new(source => fork.Build(source) | Hash, n =>
                {
                    Made<string> made = fork.Expect(n);
                    return made.With(made.Outputs.Select(Hash));
                })
                { IsUnordered = fork.IsUnordered, KeepsOutputs = !fork.IsUnordered };
            default:
                (RandomBranch one, RandomBranch two) = (RandomBranch.Next(random, depth - 1), RandomBranch.Next(random, depth - 1));
                return new(source => source.Broadcast(one.Build, two.Build),
                    n => Made<long>.Together([one.Expect(n), two.Expect(n)]))
                {
                    IsUnordered = one.IsUnordered || two.IsUnordered,
                    KeepsOutputs = false
                };
        }
    }

    private static IEnumerable<long> Many(long n, int k) => Enumerable.Range(0, (int)(n % k)).Select(each => (n * 3) + each);

    private static long Hash(string line) => line.Aggregate(17L, static (hash, c) => ((hash * 31) + c) % 1_000_003);

    private static async Task<long> PauseAsync(long n, CancellationToken cancellation)
    {
        for (long i = n * 7 % 5; i > 0; i--) await Task.Yield();
        cancellation.ThrowIfCancellationRequested();
        return n;
    }
}
