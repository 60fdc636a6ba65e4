namespace Sluice.PostgreSql;

/// <summary>
/// Runs rounds: one transaction for all its calls. A round that met another transaction is repeated; a round whose connection was lost is
/// repeated until the timeout, unless the server may have executed a call that may not be repeated. If a statement fails, each call gets a
/// transaction of its own, so that one caller's failure is not the others'.
/// </summary>
internal sealed class RoundRunner(NpgsqlDataSource source, Sql sql, StorePlace place, ServerSilence silence, PostgresStoreOptions options)
    : IDisposable
{
    private const int MaxConflicts = 20;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20), LongestPause = TimeSpan.FromSeconds(1);

    private readonly ChunkMarks marks = new();
    private readonly CancellationTokenSource closing = new();    // has no timer: nothing to free

    /// <summary>Called after each round that changed something, before its callers are answered.</summary>
    public required Action<Round> Ended { get; init; }

    /// <summary>Checks that the round is in the store that was opened.</summary>
    public required Action<Round> Begun { get; init; }

    /// <summary>Ends pauses between attempts.</summary>
    public void Dispose() => closing.Cancel();

    /// <summary>Runs one round for some calls, and answers all of them.</summary>
    public async Task RunAsync(List<StoreCall> calls)
    {
        calls.Sort(static (one, other) => one.Order.CompareTo(other.Order) is var order and not 0 ? order
            : one.Begun.CompareTo(other.Begun));
        TimeSpan pause = FirstPause;
        for (int conflicts = 0; ;)
        {
            long begun = TimeProvider.System.GetTimestamp();
            bool[] isLast = [false];
            await using ITimer watch = Watch(begun);
            try
            {
                await TryAsync(calls, isLast).ConfigureAwait(false);
                silence.Answer();
                foreach (StoreCall call in calls) call.Finish();
                return;
            }
            catch (Exception failure) when (Failures.IsConflict(failure) && conflicts++ < MaxConflicts)
            {
                marks.Forget(null);
            }
            catch (Exception failure) when (Failures.MayPass(failure))
            {
                marks.Forget(null);
                silence.Miss(begun, failure);
                FailLate(calls, failure, isLast[0]);
                if (calls.Count == 0) return;
                await PauseAsync(pause).ConfigureAwait(false);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
            catch (Exception failure)
            {
                marks.Forget(null);
                if (failure is PostgresException) silence.Answer();
                if (calls.Count == 1)
                {
                    calls[0].Fail(Failures.Explain(failure, place, isLast[0]));
                    return;
                }
                foreach (StoreCall call in calls) await RunAsync([call]).ConfigureAwait(false);
                return;
            }
        }
    }

    /// <summary>Reads in a transaction that sees one state of the store and locks nothing.</summary>
    public Task<T> ReadAsync<T>(Needs needs, Func<Round, ValueTask<T>> read, CancellationToken cancellation)
        => DirectAsync(async connection =>
        {
            var round = new Round(connection, sql, marks, isReadOnly: true) { ServerTime = options.ServerTime };
            await RoundLoader.LoadAsync(round, needs, cancellation).ConfigureAwait(false);
            Begun(round);
            T result = await read(round).ConfigureAwait(false);
            await RoundWriter.WriteAsync(round, isEnd: true, cancellation).ConfigureAwait(false);
            return result;
        }, cancellation);

    /// <summary>Executes something that may be repeated, on a connection and in a transaction of its own.</summary>
    public async Task<T> DirectAsync<T>(Func<NpgsqlConnection, Task<T>> run, CancellationToken cancellation)
    {
        long first = TimeProvider.System.GetTimestamp();
        for (TimeSpan pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            cancellation.ThrowIfCancellationRequested();
            long begun = TimeProvider.System.GetTimestamp();
            await using ITimer watch = Watch(begun);
            try
            {
                await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellation).ConfigureAwait(false);
                T result = await run(connection).ConfigureAwait(false);
                silence.Answer();
                return result;
            }
            catch (Exception failure) when (Failures.MayPass(failure) && !closing.IsCancellationRequested)
            {
                silence.Miss(begun, failure);
                if (TimeProvider.System.GetElapsedTime(first) >= options.Timeout)
                {
                    silence.Fail();
                    throw Failures.Explain(failure, place, mayHaveRun: false);
                }
            }
            catch (Exception failure) when (failure is NpgsqlException)
            {
                throw Failures.Explain(failure, place, mayHaveRun: false);
            }
            await PauseAsync(pause).WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    // A server that is silent is noticed while the call waits.
    private ITimer Watch(long begun)
        => TimeProvider.System.CreateTimer(_ => silence.Miss(begun, null), null, options.NoticeAfter, options.NoticeAfter);

    private async Task TryAsync(List<StoreCall> calls, bool[] isLast)
    {
        await using NpgsqlConnection connection = await source.OpenConnectionAsync().ConfigureAwait(false);
        var needs = new Needs();
        foreach (StoreCall call in calls) needs.Add(call.Needs);
        var round = new Round(connection, sql, marks, isReadOnly: false) { ServerTime = options.ServerTime };
        await RoundLoader.LoadAsync(round, needs, default).ConfigureAwait(false);
        Begun(round);
        foreach (StoreCall call in calls) await call.RunAsync(round).ConfigureAwait(false);
        isLast[0] = true;
        await RoundWriter.WriteAsync(round, isEnd: true, default).ConfigureAwait(false);
        Ended(round);
    }

    // Calls that have waited long enough fail, and so do calls that may have been executed and must not be executed twice.
    private void FailLate(List<StoreCall> calls, Exception failure, bool mayHaveRun)
    {
        foreach (StoreCall call in calls.ToArray())
        {
            bool isLate = TimeProvider.System.GetElapsedTime(call.Begun) >= options.Timeout;
            if (!isLate && !closing.IsCancellationRequested && (call.IsRepeatable || !mayHaveRun)) continue;
            silence.Fail();
            calls.Remove(call);
            call.Fail(closing.IsCancellationRequested ? new ObjectDisposedException(nameof(PostgresStreamStore), failure)
                : Failures.Explain(failure, place, mayHaveRun));
        }
    }

    private async Task PauseAsync(TimeSpan pause)
    {
        try
        {
            await Task.Delay(pause, TimeProvider.System, closing.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // the store is being closed
        }
    }
}
