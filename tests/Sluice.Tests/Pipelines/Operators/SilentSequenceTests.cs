using System.Runtime.CompilerServices;

namespace Sluice.Tests.Pipelines.Operators;

/// <summary>A one-to-many stage whose sequence waits ends as a source does, when a stage further down has enough.</summary>
public sealed class SilentSequenceTests
{
    private const int Items = 5;

    public enum Wait
    {
        Plain,
        Retried,
        Limited,
        Lanes,
        Buffered,
    }

    public static MatrixTheoryData<Wait, ExecutionMode> Waits { get; }
        = new(Enum.GetValues<Wait>(), [ExecutionMode.SingleThread, ExecutionMode.MultiThread]);

    [Theory, MemberData(nameof(Waits))]
    public async Task ATimeoutEndsIt(Wait wait, ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => Silent(source, wait).Timeout(TimeSpan.FromSeconds(1), end: true));
        run.Send(1);
        run.Pass(1);
        Assert.Equal(IsHeld(wait) ? "" : "1@0 1@0 1@0 1@0 1@0", run.Seen);
        await run.AssertEndedAsync();
    }

    [Theory, MemberData(nameof(Waits))]
    public async Task ATakeBehindABufferEndsIt(Wait wait, ExecutionMode mode)
    {
        var waits = new TaskCompletionSource();
        if (mode == ExecutionMode.SingleThread) waits.SetResult();   // there is no buffer: the first item is enough
        List<int> seen = [];
        await using PipelineRun run = (Many(Source.From([1, 2]), SecondIsQuietAsync, wait) | Stage.Buffer(100))
            .DoAsync(async (_, cancellation) => await waits.Task.WaitAsync(cancellation)).Take(Items).ForEach(seen.Add)
            .Start(new RunOptions { Mode = mode });
        await run.Completion.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(Enumerable.Repeat(1, Items), seen);

        async IAsyncEnumerable<int> SecondIsQuietAsync(int item, [EnumeratorCancellation] CancellationToken cancellation)
        {
            for (int i = 0; i < Items; i++) yield return item;
            if (item == 1) yield break;
            waits.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
        }
    }

    [Theory, MemberData(nameof(Waits))]
    public async Task AZipWithAShorterSourceEndsIt(Wait wait, ExecutionMode mode)
    {
        List<int> seen = [];
        await using PipelineRun run = Source.From<int>(IsHeld(wait) ? [] : [10, 20])
            .Zip(Silent(Source.From([1]), wait), (left, right) => left + right).ForEach(seen.Add).Start(new RunOptions { Mode = mode });
        await run.Completion.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(IsHeld(wait) ? [] : [11, 21], seen);
    }

    /// <summary>Only a sequence that is not wanted any more is cut: a drain lets it come to its end.</summary>
    [Fact]
    public async Task ADrainLetsItComeToItsEnd()
    {
        var goOn = new TaskCompletionSource();
        var waits = new TaskCompletionSource();
        List<int> seen = [];
        await using PipelineRun run = Source.From([1]).SelectManyAsync(TwoAsync).ForEach(seen.Add).Start();
        await waits.Task;
        Task<bool> stopped = run.StopAsync();
        goOn.SetResult();
        Assert.True(await stopped);
        Assert.Equal([1, 2], seen);

        async IAsyncEnumerable<int> TwoAsync(int item, [EnumeratorCancellation] CancellationToken cancellation)
        {
            yield return 1;
            waits.SetResult();
            await goOn.Task.WaitAsync(cancellation);
            yield return 2;
        }
    }

    [Fact]
    public async Task ASequenceThatIgnoresItsTokenIsNamedAndNotTheOthers()
    {
        var begun = new TaskCompletionSource();
        var never = new TaskCompletionSource<bool>();
        await using PipelineRun run = (Source.From([1]) | (n => n + 1) | DeafAsync | Stage.Named("deaf") | (n => { }))
            .Start(new RunOptions { StopTimeout = TimeSpan.FromMilliseconds(10) });
        await begun.Task;
        await run.CancelAsync();
        // The thread that has called the sequence may not have come back yet.
        await Rounds.UntilAsync(() => run.StillRunning is ["deaf"], "The sequence is not named.");
        never.SetResult(true);

        async IAsyncEnumerable<int> DeafAsync(int item, [EnumeratorCancellation] CancellationToken cancellation)
        {
            begun.SetResult();
            await never.Task;
            yield return item;
        }
    }

    /// <summary>Whether nothing comes out before the sequence is over.</summary>
    private static bool IsHeld(Wait wait) => wait is Wait.Retried or Wait.Limited;

    /// <summary>A one-to-many stage of a kind.</summary>
    internal static Source<int> Many(Source<int> source, Func<int, CancellationToken, IAsyncEnumerable<int>> many, Wait wait) => wait switch
    {
        Wait.Retried => source.SelectManyAsync(many) | Stage.Retry(3, Backoff.None),
        Wait.Limited => source.SelectManyAsync(many) | Stage.Timeout(TimeSpan.FromHours(1)),
        Wait.Lanes => source.SelectManyAsync(many) | Stage.Parallel(2),
        Wait.Buffered => source.SelectManyAsync(many) | Stage.Buffer(100),
        _ => source.SelectManyAsync(many),
    };

    private static Source<int> Silent(Source<int> source, Wait wait) => Many(source, QuietAsync, wait);

    private static async IAsyncEnumerable<int> QuietAsync(int item, [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (int i = 0; i < Items; i++) yield return item;
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
    }
}
