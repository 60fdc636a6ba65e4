namespace Sluice.PostgreSql;

/// <summary>
/// Runs rounds: one transaction for all its calls. A round that met another transaction is repeated; a round whose connection was lost is
/// repeated until the timeout, unless the server may have executed a call that may not be repeated. If a statement fails, each call gets a
/// transaction of its own, so that one caller's failure is not the others'. So that a stream that another process has locked holds up no
/// other one, a round that must wait for long is divided by streams.
/// </summary>
internal sealed class RoundRunner(NpgsqlDataSource source, Sql sql, StorePlace place, ServerSilence silence, PostgresStoreOptions options,
    long seen) : IDisposable
{
    private const int MaxConflicts = 20;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20), LongestPause = TimeSpan.FromSeconds(1);

    private readonly ChunkMarks marks = new(TimeProvider.System);
    private readonly IntakeMarks intake = new();
    private readonly ProducerSweep sweep = new();
    private readonly KnownStreams known = new(TimeProvider.System);
    private readonly ServerClock clock = new(seen);
    private volatile Store? store;                   // as the last round has found it
    private readonly CancellationTokenSource closing = new();    // has no timer: nothing to free

    /// <summary>Called after each round that changed something, before its callers are answered.</summary>
    public required Action<Round> Ended { get; init; }

    /// <summary>Checks that the round is in the store that was opened.</summary>
    public required Action<Round> Begun { get; init; }

    /// <summary>Tells other processes of changes; null if they look for them.</summary>
    public Notifier? Notifier { get; init; }

    /// <summary>Ends pauses between attempts.</summary>
    public void Dispose() => closing.Cancel();

    /// <summary>Forgets where blocks are: after a loss they may be elsewhere.</summary>
    public void ForgetMarks()
    {
        marks.Forget(null);
        intake.Forget();
        known.Forget();
    }

    /// <summary>Frees what is known of streams that are not used any more; other processes may have deleted them.</summary>
    public void ForgetOld()
    {
        known.RemoveOld();
        marks.RemoveOld();
        intake.RemoveOld();
        sweep.RemoveOld();
    }

    /// <summary>Runs one round for some calls, and answers them.</summary>
    /// <returns>The calls that it has not answered: each of the results needs a round of its own.</returns>
    public async Task<List<List<StoreCall>>> RunAsync(List<StoreCall> calls)
    {
        calls.Sort(static (one, other) => one.Order.CompareTo(other.Order) is var order and not 0 ? order
            : one.Begun.CompareTo(other.Begun));
        List<List<StoreCall>> divided = StoreCall.Divide(calls);
        TimeSpan pause = FirstPause;
        for (int conflicts = 0, losses = 0; ;)
        {
            var attempt = new Attempt(silence);
            await using ITimer watch = Watch(attempt.Wait);
            try
            {
                await TryAsync(calls, attempt, divided.Count > 1).ConfigureAwait(false);
                silence.Answer();
                foreach (StoreCall call in calls) call.Finish();
                return [];
            }
            catch (Exception failure) when (RoundCheck.Explains(failure))
            {
                known.Miss(calls.SelectMany(static call => call.Needs.Streams));
                continue;
            }
            catch (Exception failure)
            {
                ForgetMarks();
                if (attempt.IsLast && Failures.MayHaveRun(failure))
                    foreach (StoreCall call in calls) call.MayHaveRun = true;
                if (Failures.IsConflict(failure) && conflicts++ < MaxConflicts) continue;
                if (divided.Count > 1 && Failures.IsLocked(failure)) return divided;
                if (!Failures.MayPass(failure))
                {
                    if (failure is PostgresException) silence.Answer();
                    if (calls.Count > 1) return await RunEachAsync(calls.ConvertAll(static call => new List<StoreCall> { call }))
                        .ConfigureAwait(false);
                    calls[0].Fail(Explain(failure, calls[0].MayHaveRun));
                    return [];
                }
                attempt.Wait.Miss(failure);
                FailLate(calls, failure);
                if (calls.Count == 0) return [];
                // A round that loses its connection again and again may be too large for the server.
                if (attempt.IsOpen && failure is not PostgresException && ++losses > 1 && calls.Count > 1)
                    return await RunEachAsync([calls[..(calls.Count / 2)], calls[(calls.Count / 2)..]]).ConfigureAwait(false);
            }
            await PauseAsync(pause).ConfigureAwait(false);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    // One after the other: they may have streams in common.
    private async Task<List<List<StoreCall>>> RunEachAsync(List<List<StoreCall>> parts)
    {
        foreach (List<StoreCall> part in parts)
            foreach (List<StoreCall> left in await RunAsync(part).ConfigureAwait(false)) await RunAsync(left).ConfigureAwait(false);
        return [];
    }

    /// <summary>Reads in a transaction that sees one state of the store and locks nothing.</summary>
    public Task<T> ReadAsync<T>(Needs needs, Func<Round, ValueTask<T>> read, CancellationToken cancellation)
        => DirectAsync(async connection =>
        {
            Round round = ToRead(connection);
            await RoundLoader.LoadAsync(round, needs, cancellation).ConfigureAwait(false);
            Begun(round);
            T result = await read(round).ConfigureAwait(false);
            await RoundWriter.WriteAsync(round, isEnd: true, cancellation).ConfigureAwait(false);
            return result;
        }, cancellation, writes: false);

    /// <summary>Reads with statements of its own: the function begins the round, and checks it with the function that it gets.</summary>
    public Task<T> QueryAsync<T>(Func<Round, Action<Round>, Task<T>> read, CancellationToken cancellation)
        => DirectAsync(connection => read(ToRead(connection), Begun), cancellation, writes: false);

    private Round ToRead(NpgsqlConnection connection)
        => new(connection, sql, marks, intake, isReadOnly: true) { ServerTime = options.ServerTime, Clock = clock };

    /// <summary>Executes something that may be repeated, on a connection and in a transaction of its own.</summary>
    public async Task<T> DirectAsync<T>(Func<NpgsqlConnection, Task<T>> run, CancellationToken cancellation, bool writes = true)
    {
        long first = TimeProvider.System.GetTimestamp();
        bool mayHaveRun = false;
        int conflicts = 0;
        for (TimeSpan pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            cancellation.ThrowIfCancellationRequested();
            bool isOpen = false;
            var wait = new ServerWait(silence);
            await using ITimer watch = Watch(wait);
            try
            {
                T result = await source.UseOwnAsync(connection =>
                {
                    isOpen = true;
                    return run(connection);
                }, cancellation).ConfigureAwait(false);
                silence.Answer();
                return result;
            }
            catch (Exception failure) when (Failures.IsConflict(failure) && conflicts++ < MaxConflicts)
            {
                // the pause lets the other transaction end
            }
            catch (Exception failure) when (Failures.MayPass(failure) && !closing.IsCancellationRequested)
            {
                mayHaveRun |= writes && isOpen && Failures.MayHaveRun(failure);
                wait.Miss(failure);
                if (TimeProvider.System.GetElapsedTime(first) >= options.Timeout)
                {
                    silence.Fail();
                    throw Failures.Explain(failure, place, mayHaveRun);
                }
            }
            catch (Exception failure) when (failure is NpgsqlException || Failures.IsSourceGone(failure))
            {
                throw Explain(failure, mayHaveRun || (writes && isOpen && Failures.MayHaveRun(failure)));
            }
            await PauseAsync(pause).WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    // The store disposes its own source.
    private Exception Explain(Exception failure, bool mayHaveRun) => closing.IsCancellationRequested && Failures.IsSourceGone(failure)
        ? DisposedStore.Error(place.Name) : Failures.Explain(failure, place, mayHaveRun);

    // A server that is silent is noticed while the call waits.
    private ITimer Watch(ServerWait wait)
        => TimeProvider.System.CreateTimer(_ => wait.Miss(), null, options.NoticeAfter, options.NoticeAfter);

    private async Task TryAsync(List<StoreCall> calls, Attempt attempt, bool isDivisible)
    {
        await using var lent = new LentConnection(source, await source.OpenOwnAsync().ConfigureAwait(false));
        attempt.IsOpen = true;
        try
        {
            await TryAsync(lent, calls, attempt, isDivisible).ConfigureAwait(false);
        }
        catch (Exception failure) when (Failures.MayConfuse(failure))
        {
            source.Clear();                          // before the connection returns to the pool
            throw;
        }
    }

    private async Task TryAsync(LentConnection lent, List<StoreCall> calls, Attempt attempt, bool isDivisible)
    {
        NpgsqlConnection connection = lent.Connection;
        var needs = new Needs { KeepsRows = true };
        foreach (StoreCall call in calls) needs.Add(call.Needs);
        while (!attempt.IsLast)
        {
            // The client's object is not disposed: a function may have kept it, and the client uses disposed ones again.
            NpgsqlTransaction? transaction = needs.Functions > 0
                ? await connection.BeginTransactionAsync(System.Data.IsolationLevel.ReadCommitted).ConfigureAwait(false) : null;
            Round round = lent.Round = new(connection, sql, marks, intake, isReadOnly: false)
            {
                ServerTime = options.ServerTime,
                MaxFunctionTime = options.MaxFunctionTime,
                Clock = clock,
                Wait = attempt.Wait,
                IsDivisible = isDivisible,
                Sweep = sweep,
                Transaction = transaction,
                Notifier = needs.HasOtherStatements ? null : Notifier
            };
            if (TakeKnown(round, needs))
            {
                Begun(round);
                await RoundLoader.ResumeAsync(round, needs, default).ConfigureAwait(false);
                if (options.Known is { } compare) await compare(round).ConfigureAwait(false);
            }
            else
            {
                known.Forget(needs.Streams);
                await RoundLoader.LoadAsync(round, needs, default).ConfigureAwait(false);
                Begun(round);
                Note(round);
                // What others have accepted comes before what is appended now. If it is too much for a round, the calls wait for its end.
                await IntakeCalls.TakeAsync(round).ConfigureAwait(false);
            }
            if (!round.Intake.HasMore)
            {
                foreach (StoreCall call in calls) await call.RunAsync(round).ConfigureAwait(false);
                attempt.IsLast = true;
            }
            await RoundWriter.WriteAsync(round, isEnd: true, default).ConfigureAwait(false);
            intake.Note(round.Intake);
            if (needs.KeepsRows && !round.HasOwnStatements)
                foreach (StreamRow stream in round.Streams) known.Keep(stream, wasKnown: round.Check is not null);
            Ended(round);
        }
    }

    // Whether the round begins with rows that this process knows.
    private bool TakeKnown(Round round, Needs needs)
    {
        if (!needs.MayKnow || store is not { } found || clock.Now is not { } now) return false;
        if (known.Take(needs.Streams, round.TicksOf(now.Microseconds) + now.Ahead) is not { } streams) return false;
        foreach (StreamRow stream in streams) round.Add(stream);
        round.Begin(found.Generation, found.Id, found.Version, now);
        round.Check = new(round, round.IsDivisible);
        return true;
    }

    private void Note(Round read)
    {
        store = new(read.Generation, read.StoreId, read.Version);
        foreach (StreamRow stream in read.Streams) known.Note(stream);
    }

    // Calls that have waited long enough fail, and so do calls that may have been executed and must not be executed twice.
    private void FailLate(List<StoreCall> calls, Exception failure)
    {
        foreach (StoreCall call in calls.ToArray())
        {
            bool isLate = TimeProvider.System.GetElapsedTime(call.Begun) >= options.Timeout;
            if (!isLate && !closing.IsCancellationRequested && (call.IsRepeatable || !call.MayHaveRun)) continue;
            silence.Fail();
            calls.Remove(call);
            call.Fail(closing.IsCancellationRequested ? DisposedStore.Error(place.Name, failure)
                : Failures.Explain(failure, place, call.MayHaveRun));
        }
    }

    private async Task PauseAsync(TimeSpan pause)
    {
        try
        {
            await RetryPause.WaitAsync(pause, TimeProvider.System, closing.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // the store is being closed
        }
    }

    /// <summary>How far a round has come.</summary>
    private sealed class Attempt(ServerSilence silence)
    {
        public ServerWait Wait { get; } = new(silence);
        public bool IsOpen { get; set; }

        /// <summary>Whether the statements with the COMMIT may have been sent.</summary>
        public bool IsLast { get; set; }
    }

    private sealed record Store(int Generation, string Id, int Version);
}
