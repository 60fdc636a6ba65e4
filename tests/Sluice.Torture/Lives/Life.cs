using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Sqlite;

namespace Sluice.Torture;

/// <summary>One life of a case's consecutor: starts it, sends items, and ends as planned, unless it is killed before.</summary>
/// <param name="case">The case.</param>
/// <param name="plan">How it goes.</param>
/// <param name="store">The store, mortal.</param>
/// <param name="journal">Where it writes what it does.</param>
/// <param name="directory">Where its files are.</param>
internal sealed class Life(Case @case, LifePlan plan, MortalStore store, Journal journal, string directory) : IHazard
{
    public const string Name = "work";

    private const string Create = "CREATE TABLE IF NOT EXISTS part(number INTEGER NOT NULL, trace TEXT NOT NULL)";
    private const string Insert = "INSERT INTO part VALUES(?1, ?2)";
    private static readonly Func<Source<Work>, Pipeline>[] None = [];
    private static readonly TimeSpan ShortLease = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20), Moment = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<Work, bool> met = new();
    private long next, end;                          // what is to be sent one by one
    private volatile bool isCured;                   // what was poison is harmless from now on

    /// <summary>Called when the consecutor is about to be started.</summary>
    public required Action Begun { get; init; }

    /// <summary>What a bomb does to the process.</summary>
    public required Action Explode { get; init; }

    public bool IsSqlite { get; init; }

    /// <param name="numbers">What is to be sent one by one: the first number and how many.</param>
    /// <param name="cancellation">Ends it, where it cannot be killed.</param>
    public async Task RunAsync((long First, int Count) numbers, CancellationToken cancellation)
    {
        (next, end) = (numbers.First, numbers.First + numbers.Count);
        if (plan.Cures) journal.Write($"cure");
        await store.OpenStreamAsync(ResultSink.Stream, new() { Partitions = 1 }, cancellation);
        Begun();
        if (plan.StoppedAfter is { } time) await BeStoppedAsync(time, cancellation);
        await using Consecutor<Work>? second = NewSecond();
        await using Consecutor<Work> consecutor = New(second);
        if (second is not null) await second.StartAsync(cancellation);
        await consecutor.StartAsync(cancellation);
        using var watch = new Timer(_ => Console.Error.WriteLine($"still at it: {consecutor.Snapshot()}"), null, Patience, Patience);
        try
        {
            await Overlaps.EndPauseAsync(consecutor, cancellation);
            using var overlaps = new Overlaps(consecutor, @case, plan, journal);
            await WorkAsync(consecutor, cancellation);
            await overlaps.EndAsync(cancellation);
            if (@case.Extras.Count > 0) await CompleteAsync(consecutor, second, cancellation);
        }
        catch (Exception)
        {
            await GiveUpAsync(consecutor, second);
            throw;
        }
        await consecutor.StopAsync(cancellation: CancellationToken.None);
        if (second is not null) await second.StopAsync(cancellation: CancellationToken.None);
        foreach (var (name, count) in store.Calls) journal.Write($"calls {name} {count}");
        journal.Write($"end");
    }

    // What is under way goes back to the store, uncharged; what was being sent is accepted or not.
    private async Task BeStoppedAsync(TimeSpan time, CancellationToken cancellation)
    {
        await using Consecutor<Work>? second = NewSecond();
        await using Consecutor<Work> consecutor = New(second);
        if (second is not null) await second.StartAsync(cancellation);
        await consecutor.StartAsync(cancellation);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task work = WorkAsync(consecutor, stop.Token);
        await Task.WhenAny(work, Task.Delay(time, cancellation));
        await stop.CancelAsync();
        await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (work.IsFaulted || consecutor.Completion.IsFaulted) await GiveUpAsync(consecutor, second);
        await consecutor.StopAsync(TimeSpan.Zero, CancellationToken.None);
        if (second is not null) await second.StopAsync(TimeSpan.Zero, CancellationToken.None);
        journal.Write($"stop");
    }

    // A call has failed. If the consecutor has failed, too, that is a problem, also where the server of the store was killed: it waits for
    // its store. What comes of its failure may be seen before.
    private async Task GiveUpAsync(params Consecutor<Work>?[] consecutors)
    {
        foreach (Consecutor<Work> consecutor in consecutors.OfType<Consecutor<Work>>())
        {
            await Task.WhenAny(consecutor.Completion, Task.Delay(Moment, CancellationToken.None));
            if (!consecutor.Completion.IsFaulted) continue;
            if (!store.IsKilled) journal.Write($"problem a consecutor gave up: {consecutor.Completion.Exception!.InnerException!.Message}");
            await consecutor.Completion;             // the cause
        }
    }

    private Consecutor<Work> New(Consecutor<Work>? second)
    {
        var consecutor = new Consecutor<Work>(Name, Build, With(plan.Troubles, new()
        {
            Store = store,
            Delivery = @case.Delivery,
            MaxInFlight = @case.Capacity,
            Stream = new() { Partitions = @case.Partitions, MaxItems = @case.Bound },
        }))
        { Key = @case.HasKeys ? work => $"{work.Key}" : null };
        if (second is not null) consecutor.Output<Work>(Extra.Second).To(second);
        return consecutor;
    }

    private Consecutor<Work>? NewSecond() => @case.Extras.Any(extra => extra.Name == Extra.Second)
        ? Branches.NewSecond(store, plan.Troubles) : null;

    /// <summary>Options as the troubles of a life want them.</summary>
    public static ConsecutorOptions With(Troubles troubles, ConsecutorOptions options)
    {
        if (troubles == Troubles.None) return options with { InstanceId = "torture" };
        options = options with
        {
            CodeVersion = troubles.CodeVersion,
            LeaseDuration = ShortLease,
            Run = new() { Time = SkewedClock.Of(troubles) }
        };
        return troubles.IsUnnamed ? options : options with { InstanceId = "torture" };
    }

    // The last life: nothing is sent any more, and what nodes hold comes out.
    private static async Task CompleteAsync(Consecutor<Work> consecutor, Consecutor<Work>? second, CancellationToken cancellation)
    {
        await consecutor.CompleteAsync(cancellation);
        await consecutor.WaitForIdleAsync(cancellation);
        if (second is not null) await second.WaitForIdleAsync(cancellation);
    }

    private async Task WorkAsync(Consecutor<Work> consecutor, CancellationToken cancellation)
    {
        await Task.WhenAll(SendAsync(consecutor, cancellation), ResumeAsync(consecutor, cancellation));
        while (true)
        {
            ConsecutorSnapshot books = await consecutor.WaitForIdleAsync(cancellation);
            isCured |= plan.Cures;
            if (plan.Cures && await consecutor.RedriveAsync(Tell, cancellation) > 0) continue;
            if (plan.Ending != Ending.Idle) await Task.Delay(Timeout.Infinite, cancellation);
            journal.Write(
                $"claims {books.Accepted} {books.Completed} {books.Skipped} {books.Dead} {books.Cancelled} {books.Unaccounted} {books.Split}");
            return;
        }
    }

    private bool Tell(DeadLetter letter)
    {
        journal.Write($"redrive {letter.Id}");
        return true;
    }

    private bool Spoils(Work work)
    {
        if (isCured || @case.FateOf(work.Number) != Fate.Unwritable) return false;
        journal.Write($"fail {work.Number}");
        return true;
    }

    void IHazard.Meet(Work work)
    {
        Fate fate = @case.FateOf(work.Number);
        if (fate is Fate.Fine or Fate.Unwritable || (fate == Fate.Bomb && plan.Cures) || (fate == Fate.Poison && isCured)) return;
        if (fate == Fate.Flaky && isCured && @case.DiesWhole) return;             // to pass many hazards at once it would have to be lucky
        if (fate == Fate.Flaky && !(@case.IsSweep ? met.TryAdd(work, true) : Random.Shared.Next(2) == 0)) return;
        if (fate == Fate.Bomb) Explode();
        journal.Write($"fail {work.Number}");
        throw new InvalidOperationException($"{work.Number} is {fate}");
    }

    // Every item says that it starts, and that its root has ended, besides what the random part makes of it.
    private Pipeline Build(Source<Work> source) => (@case.HasState
        ? source | StageNode.Of(() => new TallyNode(Spoils)) | Stage.Named(TallyNode.NodeName) : source) |
    [
        s => s | TellAsync,
        s => s | (Sink.Commit(() => new ResultSink("root")) | Stage.Named("roots")),
        s => @case.Body.Build(s, this) |
        [
            t => t | (Sink.Commit(() => new ResultSink("part")) | Stage.Named("parts")),
            t => t | Sink.ToFile<Work>(Places.PathOfFile(directory), static work => $"{work.Number} {work.Trace}"),
            .. @case.HasDatabase ? [Database] : None,
            .. @case.HasRows && IsSqlite ? [Rows] : None,
        ],
        .. @case.Extras.Select(extra => Branches.Of(extra.Name)),
    ];

    private Pipeline Database(Source<Work> parts) => parts | SqliteSink.InDatabase<Work>(Places.PathOfDatabase(directory), Insert,
        "DELETE FROM part WHERE rowid = (SELECT max(rowid) FROM part WHERE number = ?1 AND trace = ?2)", Values, Create);

    private static Pipeline Rows(Source<Work> parts) => parts | SqliteSink.InStore<Work>(Insert, Values, Create);

    private static object?[] Values(Work work) => [work.Number, work.Trace];

    private Task TellAsync(Work work, ItemContext item)
    {
        journal.Write($"start {work.Number} {item.Attempt} {item.Id}");
        return Task.CompletedTask;
    }

    private async Task SendAsync(Consecutor<Work> consecutor, CancellationToken cancellation)
    {
        await Task.WhenAll(Enumerable.Range(0, @case.Senders)
            .Select(sender => Task.Run(() => OneAsync(new Dice(plan.Seed).For((ulong)sender)), cancellation)));

        async Task OneAsync(Dice dice)
        {
            while (!cancellation.IsCancellationRequested)
            {
                long first = Interlocked.Add(ref next, @case.BatchSize) - @case.BatchSize;
                Work[] batch = [.. Enumerable.Range(0, (int)Math.Clamp(end - first, 0, @case.BatchSize))
                    .Select(i => @case.WorkOf(first + i))];
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
