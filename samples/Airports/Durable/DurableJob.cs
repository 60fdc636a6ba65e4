using System.Diagnostics;
using System.Globalization;
using Sluice;
using Sluice.Diagnostics;
using Sluice.Sqlite;
using Sluice.Storage;

namespace Airports.Durable;

/// <summary>The job with a store: every pair is an accepted item, and reaches each output exactly once, whatever happens to the
/// process.</summary>
internal sealed class DurableJob : IAsyncDisposable
{
    // What may be under way when the process dies is run alone, one by one, by the next: a few hundred are soon done.
    private const int Capacity = 512;
    private const int Backlog = 100_000;

    // A crash while a pair runs alone counts as a start of it, and an innocent one may be under way when somebody kills the process: again
    // and again, if that is always
    // just after the start. So there are many, except where it is the pairs that kill, and one does not want to start the process hundreds
    // of times.
    private const int Replays = 30;
    private const int ReplaysOfKillers = 2;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly SqliteStreamStore store;
    private readonly Consecutor<Pair> consecutor;
    private readonly Airport[] airports;
    private readonly Gazetteer gazetteer;
    private readonly Options options;
    private readonly Interrupts interrupts;
    private readonly Trouble trouble;
    private long counted;

    private DurableJob(SqliteStreamStore store, Airport[] airports, Gazetteer gazetteer, Options options, Interrupts interrupts)
    {
        (this.store, this.airports, this.gazetteer, this.options, this.interrupts) = (store, airports, gazetteer, options, interrupts);
        trouble = new Trouble(options.Store!);
        consecutor = new Consecutor<Pair>("distances", Body, new ConsecutorOptions
        {
            Store = store,
            Delivery = DeliveryGuarantee.Replay(options.Store!.ExitOn is null ? Replays : ReplaysOfKillers,
                Backoff.Constant(TimeSpan.FromMilliseconds(10))),
            MaxInFlight = Capacity,
            // One partition: pairs are taken up in the order in which they were accepted.
            Stream = new StreamOptions { Partitions = 1, MaxItems = Backlog },
            Run = new RunOptions { Mode = options.MultiThread ? ExecutionMode.MultiThread : ExecutionMode.SingleThread },
        });
    }

    /// <summary>The pipeline behind the store, as text.</summary>
    public string Picture => consecutor.Topology.ToText();

    /// <summary>Pairs that had been accepted by earlier runs.</summary>
    public long Resumed { get; private set; }

    /// <summary>Pairs that had ended in earlier runs.</summary>
    public long EndedBefore { get; private set; }

    /// <summary>Dead letters that were taken up again.</summary>
    public int Redriven { get; private set; }

    /// <summary>Where every accepted pair is.</summary>
    public ConsecutorSnapshot Books => consecutor.Snapshot();

    /// <summary>Pairs that have ended so far, in this run and those before. Any thread may ask.</summary>
    public long Done
    {
        get
        {
            var books = Books;
            return books.Completed + books.Dead - books.Split;
        }
    }

    /// <summary>Opens the store.</summary>
    /// <exception cref="UserMistake">It is in use, no store, or that of another job.</exception>
    public static async Task<DurableJob> OpenAsync(Airport[] airports, Gazetteer gazetteer, Options options, Interrupts interrupts)
    {
        var path = options.Store!.Path;
        if (options.Store.Dead && !File.Exists(path)) throw new UserMistake($"--dead: there is no store {path}.");
        SqliteStreamStore? store = null;
        try
        {
            store = await SqliteStreamStore.OpenAsync(path, Durability.Process);
            if (!options.Store.Dead) await JobMark.CheckAsync(store, path, JobMark.Describe(airports, gazetteer, options));
            return new DurableJob(store, airports, gazetteer, options, interrupts);
        }
        catch (Exception cause) when (cause is StreamStoreException or UserMistake)
        {
            if (store is not null) await store.DisposeAsync();
            throw cause as UserMistake ?? new UserMistake($"--store: {cause.Message}", cause);
        }
    }

    /// <summary>The dead letters, oldest first.</summary>
    public IAsyncEnumerable<DeadLetter> DeadLetters() => consecutor.ListDeadLettersAsync();

    /// <summary>Takes up what is pending.</summary>
    /// <exception cref="UserMistake">An output cannot be gone on with.</exception>
    public async Task StartAsync()
    {
        try
        {
            await consecutor.StartAsync();
        }
        catch (Exception cause) when (cause is IOException or InvalidDataException or InvalidOperationException
            or UnauthorizedAccessException or StreamStoreException
            or PipelineException { InnerException: IOException or InvalidDataException or UnauthorizedAccessException })
        {
            throw new UserMistake(cause.Message, cause);
        }

        Resumed = Books.Accepted;
        EndedBefore = Done;
        if (options.Store!.Redrive) Redriven = await consecutor.RedriveAsync(_ => true);
    }

    /// <summary>Accepts the pairs that are missing, and runs until all have ended, the interrupts have stopped it, or it cannot go
    /// on.</summary>
    public async Task<Outcome> RunAsync()
    {
        var clock = Stopwatch.StartNew();
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(interrupts.Cancel);
        var work = WorkAsync(giveUp.Token);
        var problem = WatchAsync(work);
        if (await Task.WhenAny(work, problem) == problem)
        {
            await giveUp.CancelAsync();
            await ((Task)work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return new Outcome(await problem, clock.Elapsed);
        }

        return new Outcome(await work, clock.Elapsed);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await consecutor.DisposeAsync();
        await store.DisposeAsync();
    }

    private async Task<string?> WorkAsync(CancellationToken giveUp)
    {
        try
        {
            await using (PipelineRun intake = (PairSource.Of(airports) | consecutor).Start(cancellation: giveUp))
            {
                using var drain = interrupts.Drain.Register(() => _ = intake.StopAsync());
                await intake.Completion;
            }

            // An interrupt lets end what is under way; what else was accepted stays in the store for the next run.
            if (!interrupts.Drain.IsCancellationRequested) await IdleAsync(giveUp);
            await consecutor.StopAsync(cancellation: giveUp);
            return null;
        }
        catch (PipelineException failure)
        {
            return failure.Message;
        }
        catch (OperationCanceledException) when (giveUp.IsCancellationRequested)
        {
            return null;
        }
    }

    private async Task IdleAsync(CancellationToken giveUp)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(giveUp, interrupts.Drain);
        try
        {
            await consecutor.WaitForIdleAsync(either.Token);
        }
        catch (OperationCanceledException) when (interrupts.Drain.IsCancellationRequested)
        {
            // Stopped by the caller, as an interrupt while pairs are accepted is.
        }
    }

    // A consecutor tries again for ever; somebody who waits before a full disk wants to know.
    private async Task<string?> WatchAsync(Task work)
    {
        var bad = Stopwatch.StartNew();
        while (true)
        {
            if (Books.Problem is not { } problem) bad.Restart();
            else if (bad.Elapsed > Patience) return problem;
            if (await Task.WhenAny(work, Task.Delay(TimeSpan.FromMilliseconds(200))) == work)
                await Task.Delay(Timeout.Infinite, CancellationToken.None);
        }
    }

    private Pipeline Body(Source<Pair> pairs)
    {
        var distances = pairs | Geocode | Stage.Parallel(options.Parallel) | Stages.Distance;
        return (options.Database, options.Out) switch
        {
            (not null, not null) => distances | [ToDatabase(), ToFile()],
            (not null, null) => distances | ToDatabase(),
            (null, not null) => distances | ToFile(),
            (null, null) => distances | Count,
        };
    }

    private Leg Geocode(Pair pair)
    {
        trouble.Meet(pair);
        return new Leg(gazetteer.Find(pair.From), gazetteer.Find(pair.To));
    }

    private Sink<PairDistance> ToFile() => Sink.ToFile<PairDistance>(
        options.Out!, item => string.Create(CultureInfo.InvariantCulture, $"{item.From},{item.To},{item.Km:F3}"), header: "from,to,km",
            replace: true)
        | Stage.Named("ToFile");

    private Sink<PairDistance> ToDatabase() => (options.Database == options.Store!.Path
        ? SqliteSink.InStore<PairDistance>(DatabaseOutput.Upsert, Row, DatabaseOutput.CreateTable)
        : SqliteSink.InDatabase<PairDistance>(options.Database!, DatabaseOutput.Upsert, DatabaseOutput.Delete, Row,
        DatabaseOutput.CreateTable, adopt: true))
        | Stage.Named("ToDatabase");

    private static object?[] Row(PairDistance item) => [item.From, item.To, item.Km];

    private void Count(PairDistance distance) => Interlocked.Increment(ref counted);
}
