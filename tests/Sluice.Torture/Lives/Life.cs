namespace Sluice.Torture;

/// <summary>One life of a case's consecutor: starts it, sends items, and ends as planned, unless it is killed before.</summary>
/// <param name="case">The case.</param>
/// <param name="plan">How it goes.</param>
/// <param name="store">The store, mortal.</param>
/// <param name="journal">Where it writes what it does.</param>
/// <param name="ledger">The path of the file.</param>
/// <param name="die">Ends the life as a kill does: in a process of its own, does not return.</param>
internal sealed class Life(Case @case, LifePlan plan, IStreamStore store, Journal journal, string ledger, Action die) : IHazard
{
    public const string Name = "work";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Called when the consecutor is about to be started.</summary>
    public required Action Begun { get; init; }

    /// <summary>What a bomb does to the process.</summary>
    public Action Explode { get; init; } = die;

    /// <param name="numbers">What is to be sent one by one: the first number and how many.</param>
    /// <param name="cancellation">Ends it, where it cannot be killed.</param>
    public async Task RunAsync((long First, int Count) numbers, CancellationToken cancellation)
    {
        if (plan.Cures) journal.Write($"cure");
        await store.OpenStreamAsync(ResultSink.Stream, new() { Partitions = 1 }, cancellation);
        await using var consecutor = new Consecutor<Work>(Name, Build, new()
        {
            Store = store,
            Delivery = @case.Delivery,
            Capacity = @case.Capacity,
            Stream = new() { Partitions = @case.Partitions, MaxItems = @case.Bound },
            Member = "torture",
        })
        { Key = @case.HasKeys ? work => $"{work.Key}" : null };

        Begun();
        await consecutor.StartAsync(cancellation);
        using var watch = new Timer(_ => Console.Error.WriteLine($"still at it: {consecutor.Snapshot()}"), null, Patience, Patience);
        try
        {
            await WorkAsync(consecutor, numbers, cancellation);
        }
        catch (Exception) when (consecutor.Completion.IsFaulted)
        {
            // What comes of it is less interesting than the cause.
            await consecutor.Completion;
        }
        await consecutor.StopAsync();
        journal.Write($"end");
    }

    private async Task WorkAsync(Consecutor<Work> consecutor, (long First, int Count) numbers, CancellationToken cancellation)
    {
        await Task.WhenAll(SendAsync(consecutor, numbers, cancellation), ResumeAsync(consecutor, cancellation));
        while (true)
        {
            ConsecutorSnapshot books = await consecutor.IdleAsync(cancellation);
            if (plan.Cures && await consecutor.RedriveAsync(_ => true, cancellation) > 0) continue;
            if (plan.Ending != Ending.Idle) await Task.Delay(Timeout.Infinite, cancellation);
            journal.Write($"claims {books.Accepted} {books.Completed} {books.Skipped} {books.Dead} {books.Cancelled} {books.Unaccounted} {books.Split}");
            return;
        }
    }

    void IHazard.Meet(Work work)
    {
        Fate fate = plan.Cures && @case.FateOf(work.Number) is Fate.Poison or Fate.Bomb ? Fate.Fine : @case.FateOf(work.Number);
        if (fate == Fate.Fine || (fate == Fate.Flaky && Random.Shared.Next(2) == 0)) return;
        if (fate == Fate.Bomb) Explode();
        journal.Write($"fail {work.Number}");
        throw new InvalidOperationException($"{work.Number} is {fate}");
    }

    // Every item says that it starts, and that its root has ended, besides what the random part makes of it.
    private Pipeline Build(Source<Work> source) => source |
    [
        s => s | TellAsync,
        s => s | (Sink.Commit(() => new ResultSink("root")) | Stage.Named("roots")),
        s => @case.Body.Build(s, this) |
        [
            t => t | (Sink.Commit(() => new ResultSink("part")) | Stage.Named("parts")),
            t => t | (Sink.Commit(() => new LedgerSink(ledger)) | Stage.Named("ledger")),
        ],
    ];

    private Task TellAsync(Work work, ItemContext item)
    {
        journal.Write($"start {work.Number} {item.Attempt} {item.Id}");
        return Task.CompletedTask;
    }

    private async Task SendAsync(Consecutor<Work> consecutor, (long First, int Count) numbers, CancellationToken cancellation)
    {
        long next = numbers.First, end = numbers.First + numbers.Count;
        await Task.WhenAll(Enumerable.Range(0, @case.Senders).Select(sender => Task.Run(() => OneAsync(new Dice(plan.Seed).For((ulong)sender)), cancellation)));

        async Task OneAsync(Dice dice)
        {
            while (true)
            {
                long first = Interlocked.Add(ref next, @case.BatchSize) - @case.BatchSize;
                Work[] batch = [.. Enumerable.Range(0, (int)Math.Clamp(end - first, 0, @case.BatchSize)).Select(i => @case.WorkOf(first + i))];
                if (batch.Length == 0) return;
                foreach (Work work in batch) journal.Write($"send {work.Number}");
                if (batch.Length == 1) await consecutor.SendAsync(batch[0], cancellation);
                else await consecutor.SendAllAsync(batch, cancellation);
                foreach (Work work in batch) journal.Write($"ack {work.Number}");
                if (dice.Chance(20)) await Task.Delay(dice.Below(3), cancellation);
            }
        }
    }

    private async Task ResumeAsync(Consecutor<Work> consecutor, CancellationToken cancellation)
    {
        if (@case.ResumedItems == 0) return;
        await (Source.Resumable("numbers", Numbers()) | consecutor).RunAsync(cancellation: cancellation);
        journal.Write($"resumed");

        IEnumerable<Work> Numbers()
        {
            for (int i = 0; i < @case.ResumedItems; i++)
            {
                journal.Write($"send {Case.FirstResumed + i}");
                yield return @case.WorkOf(Case.FirstResumed + i);
            }
        }
    }
}
