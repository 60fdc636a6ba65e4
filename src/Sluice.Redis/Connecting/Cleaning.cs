namespace Sluice.Redis;

/// <summary>
/// Prevents torn commits. If a server is killed while it writes its append-only file, its next start truncates the file after the last
/// complete command. That may leave a transaction open at the end. Later writes would then be lost, or return, at the following start. So
/// the file is rewritten before anything is written to a new run of the server. The store records the run for which that was done, and
/// every function compares it with its own run. A store that the server has loaded in part is left as it is, because the append-only file
/// may have the rest (<see cref="Connection.RefuseTornAsync"/>).
/// </summary>
internal static class Cleaning
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20), MaxPause = TimeSpan.FromSeconds(1);

    // A rewriting that fails costs the server a copy of itself, and would fail again at once.
    private static readonly TimeSpan BetweenTries = TimeSpan.FromMinutes(1);

    /// <summary>Waits until the present run of the server is clean.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="address">The server.</param>
    /// <param name="limit">When the caller began, and how long it waits; null for as long as it takes.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="StreamStoreException">The file cannot be rewritten, or not within the time, or the store is torn.</exception>
    public static async Task EnsureAsync(Connection connection, ServerAddress address, (long Begun, TimeSpan Most)? limit,
        CancellationToken cancellation)
    {
        bool isWhole = false;
        for (TimeSpan pause = FirstPause; ; pause = pause * 2 < MaxPause ? pause * 2 : MaxPause)
        {
            ServerInfo info = await connection.InfoAsync(cancellation).ConfigureAwait(false);
            string? clean = (string?)await connection.AnswerAsync(connection.Database.HashGetAsync(connection.Meta, "clean"),
                isRepeatable: true, cancellation).ConfigureAwait(false);
            if (clean == info.RunId) return;
            if (!isWhole) await connection.RefuseTornAsync(cancellation).ConfigureAwait(false);
            isWhole = true;

            // A successful rewrite that this run of the server began is as good as our own.
            bool isClean = !info.HasLog || (info.Rewrites > 0 && !info.IsRewriting && !info.RewriteFailed);
            if (isClean)
            {
                await StoreAsync(connection, info.RunId, cancellation).ConfigureAwait(false);
                return;
            }
            if (!info.IsRewriting)
            {
                bool isNew = connection.Rewriting is not { } last || last.Run != info.RunId
                    || TimeProvider.System.GetElapsedTime(last.Asked) >= BetweenTries;
                if (!isNew && info.RewriteFailed)
                    throw new StreamStoreException(
                        $"The server at {address} was started anew, and its append-only file could not be rewritten (BGREWRITEAOF): its "
                            + $"disk may be full. Nothing is written until it can; look into the server's log.");
                if (isNew)
                {
                    await RewriteAsync(connection, address, cancellation).ConfigureAwait(false);
                    connection.Rewriting = (info.RunId, TimeProvider.System.GetTimestamp());
                }
            }
            if (limit is var (begun, most) && TimeProvider.System.GetElapsedTime(begun) >= most)
                throw new StreamStoreException(
                    $"The server at {address} was started anew, and still rewrites its append-only file (BGREWRITEAOF). Nothing is written "
                        + "until that has ended.");
            await Task.Delay(pause, TimeProvider.System, cancellation).ConfigureAwait(false);
        }
    }

    // A full memory refuses HSET, and with it the commits that make room. A script may say that it adds nothing. It is sent only then,
    // because a user of the server's ACL may lack the permission for EVAL.
    private static async Task StoreAsync(Connection connection, string run, CancellationToken cancellation)
    {
        try
        {
            await connection.AnswerAsync(connection.Database.HashSetAsync(connection.Meta, "clean", run), isRepeatable: true, cancellation)
                .ConfigureAwait(false);
        }
        catch (RedisServerException full) when (Failures.IsFull(full))
        {
            await connection.AnswerAsync(connection.Database.ExecuteAsync("EVAL",
                ["#!lua flags=allow-oom\nreturn redis.call('HSET', KEYS[1], 'clean', ARGV[1])", 1, connection.Meta, run],
                CommandFlags.DemandMaster), isRepeatable: true, cancellation).ConfigureAwait(false);
        }
    }

    private static async Task RewriteAsync(Connection connection, ServerAddress address, CancellationToken cancellation)
    {
        try
        {
            await connection.AnswerAsync(connection.Database.ExecuteAsync("BGREWRITEAOF"), isRepeatable: true, cancellation)
                .ConfigureAwait(false);
        }
        catch (RedisServerException refused) when (refused.Message.Contains("in progress", StringComparison.OrdinalIgnoreCase))
        {
            // Another client was faster.
        }
        catch (RedisServerException refused) when (refused.Message.StartsWith("NOPERM", StringComparison.Ordinal)
            || refused.Message.StartsWith("ERR unknown command", StringComparison.Ordinal))
        {
            throw new StreamStoreException(
                $"The server at {address} was started anew, and this user may not rewrite its append-only file (BGREWRITEAOF), without "
                    + $"which a commit that was cut by a crash may come back. "
                + "Give the permission, or run BGREWRITEAOF and try again.", refused);
        }
    }
}
