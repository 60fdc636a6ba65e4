using Sluice.Diagnostics;

namespace Sluice.PostgreSql.Sources;

/// <summary>The server of a source: repeats work while it is away, and warns. For one run.</summary>
internal sealed class SourceServer(string name, NpgsqlDataSource database, Action<string>? onWarning, TimeProvider time)
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(50), MaxWait = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromMilliseconds(uint.MaxValue - 1);    // of Task.Delay

    private readonly HashSet<string> said = new(StringComparer.Ordinal);
    private volatile bool hasConnected;

    public string Name => name;

    public TimeProvider Time => time;

    /// <summary>The same server for another run.</summary>
    public SourceServer Copy() => new(name, database, onWarning, time);

    /// <summary>Runs work on a connection of its own, again and again while the failure is one that passes.</summary>
    /// <exception cref="InvalidDataException">The server has refused the work, or no connection to it is as safe as asked for.</exception>
    public async Task<TResult> CallAsync<TResult>(Func<NpgsqlConnection, Task<TResult>> work, CancellationToken cancellation)
    {
        bool isAway = false;
        TimeSpan wait = FirstWait;
        while (true)
        {
            try
            {
                await using NpgsqlConnection connection = await database.OpenOwnAsync(cancellation).ConfigureAwait(false);
                hasConnected = true;
                TResult result = await work(connection).ConfigureAwait(false);
                if (isAway) Warn("the PostgreSQL server answers again.");
                return result;
            }
            catch (Exception) when (cancellation.IsCancellationRequested)
            {
                throw new OperationCanceledException(cancellation);
            }
            // Afterwards, the settings are right, and the failure may pass.
            catch (Exception e) when (!hasConnected && Failures.Unsafe(e) is not null)
            {
                throw new InvalidDataException($"The producer '{name}' has no TLS connection to the PostgreSQL server: "
                    + $"{Failures.Unsafe(e)!.TrimEnd('.')}. SSL Mode and Root Certificate in the connection string say what is asked for.", e);
            }
            catch (PostgresException e) when (IsStale(e))
            {
                // The client has forgotten the statement, and prepares it again.
            }
            catch (Exception e) when (MayPass(e))
            {
                if (!isAway) Warn("the PostgreSQL server does not answer, and is tried again: " + (Failures.HasWaited(e)
                    ? "it has not ended a statement within the Command Timeout. It is overloaded or frozen, another session holds a lock "
                        + "(pg_blocking_pids), or an index is missing." : e.Message));
                isAway = true;
            }
            catch (PostgresException e)
            {
                throw Refused(e);
            }
            await RetryPause.WaitAsync(wait, time, cancellation).ConfigureAwait(false);
            wait = wait * 2 < MaxWait ? wait * 2 : MaxWait;
        }
    }

    // A statement that was prepared before a column was added.
    private static bool IsStale(PostgresException failure)
        => failure is { SqlState: PostgresErrorCodes.FeatureNotSupported, Routine: "RevalidateCachedQuery" };

    public static bool MayPass(Exception failure) => Failures.IsConflict(failure) || (Failures.MayPass(failure)
        && failure is not (ObjectDisposedException or InvalidOperationException));

    public InvalidDataException Refused(PostgresException e) => new(e.SqlState == PostgresErrorCodes.InsufficientPrivilege
        ? $"The user of '{name}' may not do this: {e.MessageText}. Grant the right."
        : $"The PostgreSQL server refuses what '{name}' asks: {e.MessageText} ({e.SqlState}).", e);

    /// <summary>Waits for an interval of the options; seven weeks at most, as no timer takes more.</summary>
    public Task WaitAsync(TimeSpan interval, CancellationToken cancellation)
        => Task.Delay(interval < MaxDelay ? interval : MaxDelay, time, cancellation);

    /// <summary>Warns. Never throws, also if the handler does: a warning must not end the run.</summary>
    public void Warn(string text) => WarningHandlers.Tell(onWarning, $"The producer '{name}': {text}");

    /// <summary>Warns unless this run has said the same before.</summary>
    public void WarnOnce(string text)
    {
        if (said.Add(text)) Warn(text);
    }
}
