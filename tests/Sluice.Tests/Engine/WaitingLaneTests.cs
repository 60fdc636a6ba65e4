using System.Runtime.CompilerServices;

namespace Sluice.Tests.Engine;

/// <summary>A lane of a parallel stage waits for an item, perhaps for ever: what else has come in goes on, and so does what has come
/// out.</summary>
public sealed class WaitingLaneTests : IDisposable
{
    private const int Items = 20_000, Hung = 10_000;

    private readonly TaskCompletionSource never = new();
    private readonly SemaphoreSlim arrived = new(0);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>The items behind it in its slice were not started, and those before it did not come out, while the other lanes were
    /// idle.</remarks>
    [Theory]
    [InlineData(2)]
    [InlineData(8)]
    public async Task AllOthersComeOutIfTheirOrderDoesNotMatter(int lanes)
    {
        await using PipelineRun run = (Numbers() | Stage.Parallel(lanes).Unordered | Arrive).Start();
        await ArriveAsync(Items - 1);
        never.SetResult();
        await ArriveAsync(1);
        await run.Completion;
    }

    [Theory]
    [InlineData(2)]
    [InlineData(8)]
    public async Task ThoseBeforeItComeOutInOrderAndThoseBehindItAreStarted(int lanes)
    {
        List<int> seen = [];
        int started = 0;
        await using PipelineRun run = (Source.From(Enumerable.Range(0, Items)).SelectAsync(async (n, cancellation) =>
            {
                Interlocked.Increment(ref started);
                if (n == Hung) await never.Task;
                return n;
            }) | Stage.Parallel(lanes) | (n =>
            {
                seen.Add(n);
                arrived.Release();
            })).Start(new RunOptions { MaxBufferedItems = Items });
        await ArriveAsync(Hung);
        while (Volatile.Read(ref started) < Items) await Task.Yield();
        Assert.Equal(0, arrived.CurrentCount);
        never.SetResult();
        await run.Completion;
        Assert.Equal(Enumerable.Range(0, Items), seen);
    }

    /// <remarks>Those behind it must not wait for the end of an endless source.</remarks>
    [Fact]
    public async Task ThoseBehindItAreStartedWhileNewOnesCome()
    {
        int started = 0;
        await using PipelineRun run = (Source.From(Endless()).SelectAsync(async (n, cancellation) =>
            {
                if (n is > Hung and <= Hung + 256) Interlocked.Increment(ref started);
                if (n == Hung) await never.Task.WaitAsync(cancellation);
                return n;
            }) | Stage.Parallel(4).Unordered | (static _ => { })).Start();
        while (Volatile.Read(ref started) < 256) await Task.Yield();
        await run.CancelAsync();

        static IEnumerable<int> Endless()
        {
            for (int n = 0; ; n++) yield return n;
        }
    }

    /// <remarks>Items that have ended before it in its slice took room in the stage, and some hung items stopped all lanes.</remarks>
    [Fact]
    public async Task ManyThatHangLeaveTheOtherLanesTheirRoom()
    {
        const int Hanging = 12;
        await using PipelineRun run = (Source.From(Enumerable.Range(0, Items)).SelectAsync(async (n, cancellation) =>
            {
                if (n >= 5_000 && n % 300 == 299 && n < 5_000 + (Hanging * 300)) await never.Task;
                return n;
            }) | Stage.Parallel(16).Unordered | Arrive).Start();
        await ArriveAsync(Items - Hanging);
        never.SetResult();
        await ArriveAsync(Hanging);
        await run.Completion;
    }

    /// <remarks>More outputs than a slice may hold, at an item that is not its last one.</remarks>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task EachOutputComesOnceHoweverManyThereAre(bool isOrdered)
    {
        List<int> seen = [];
        await (Source.From(Enumerable.Range(0, Items)).SelectMany(static n => Enumerable.Repeat(n, n % 500 == 499 ? 3_000 : 100))
            | (isOrdered ? Stage.Parallel(4) : Stage.Parallel(4).Unordered) | seen.Add).RunAsync(cancellation: Cancellation);
        if (!isOrdered) seen.Sort();
        Assert.Equal(Enumerable.Range(0, Items).SelectMany(static n => Enumerable.Repeat(n, n % 500 == 499 ? 3_000 : 100)), seen);
    }

    /// <remarks>It stayed at the head of the queue of outputs until it had ended.</remarks>
    [Fact]
    public async Task AnItemWithManyOutputsHoldsUpNoOtherOne()
    {
        await using PipelineRun run = (Source.From(Enumerable.Range(0, Items)).SelectManyAsync(OfAsync) | Stage.Parallel(4).Unordered
            | Arrive).Start();
        await ArriveAsync(1_100 + Items - 1);
        never.SetResult();
        await run.Completion;

        async IAsyncEnumerable<int> OfAsync(int n, [EnumeratorCancellation] CancellationToken cancellation)
        {
            for (int i = 0; i < (n == 1 ? 1_100 : 1); i++) yield return n;
            if (n == 1) await never.Task.WaitAsync(cancellation);
        }
    }

    [Fact]
    public async Task EndlessSequencesComeSideBySide()
    {
        int[] counts = new int[4];
        await using PipelineRun run = (Source.From([0, 1, 2, 3]).SelectManyAsync(OfAsync) | Stage.Parallel(4).Unordered
            | (n => { Interlocked.Increment(ref counts[n]); })).Start();
        while (counts.Any(static count => count < 10_000)) await Task.Yield();
        await run.CancelAsync();

        static async IAsyncEnumerable<int> OfAsync(int n, [EnumeratorCancellation] CancellationToken cancellation)
        {
            while (!cancellation.IsCancellationRequested) yield return n;
            await Task.CompletedTask;
        }
    }

    /// <remarks>Nothing came out until the sequence had ended, or had made more than 1,024 items.</remarks>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhatAQuietSequenceHasMadeComesOut(bool isOrdered)
    {
        await using PipelineRun run = (Source.From([1, 2]).SelectManyAsync(OfAsync)
            | (isOrdered ? Stage.Parallel(2) : Stage.Parallel(2).Unordered) | Arrive).Start();
        await ArriveAsync(isOrdered ? 5 : 10);
        never.SetResult();
        await run.Completion;
        if (isOrdered) await ArriveAsync(5);

        async IAsyncEnumerable<int> OfAsync(int n, [EnumeratorCancellation] CancellationToken cancellation)
        {
            for (int i = 0; i < 5; i++) yield return n;
            await never.Task.WaitAsync(cancellation);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhatAQuietNodeHasPushedComesOut(bool isOrdered)
    {
        await using PipelineRun run = (Source.From([1, 2]) | StageNode.Of(() => new Quiet(never.Task))
            | (isOrdered ? Stage.Parallel(2) : Stage.Parallel(2).Unordered) | Arrive).Start();
        await ArriveAsync(isOrdered ? 5 : 10);
        never.SetResult();
        await run.Completion;
        if (isOrdered) await ArriveAsync(5);
    }

    /// <remarks>Which lane takes the items behind one that waits depends on timing; each item comes once, and in order.</remarks>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task EachItemComesOnceWhenManyWaitNowAndThen(bool isOrdered)
    {
        List<int> seen = [];
        await (Source.From(Enumerable.Range(0, Items)).SelectManyAsync(OfAsync)
            | (isOrdered ? Stage.Parallel(4) : Stage.Parallel(4).Unordered) | seen.Add).RunAsync(cancellation: Cancellation);
        if (!isOrdered) seen.Sort();
        Assert.Equal(Enumerable.Range(0, 2 * Items).Select(static n => n / 2), seen);

        static async IAsyncEnumerable<int> OfAsync(int n, [EnumeratorCancellation] CancellationToken cancellation)
        {
            yield return n;
            if (n % 7 == 3) await Task.Yield();
            yield return n;
            if (n % 100 == 50) await Task.Yield();
        }
    }

    public void Dispose() => arrived.Dispose();

    private Source<int> Numbers() => Source.From(Enumerable.Range(0, Items)).SelectAsync(async (n, cancellation) =>
    {
        if (n == Hung) await never.Task;
        return n;
    });

    private void Arrive(int n) => arrived.Release();

    private async Task ArriveAsync(int count)
    {
        for (int i = 0; i < count; i++) await arrived.WaitAsync(Cancellation);
    }

    private sealed class Quiet(Task end) : StageNode<int, int>
    {
        protected override async ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            await output.PushAsync(item);
            await output.PushAsync(item);
            await Task.Yield();
            for (int i = 0; i < 3; i++) await output.PushAsync(item);
            await end.WaitAsync(cancellation);
        }
    }
}
