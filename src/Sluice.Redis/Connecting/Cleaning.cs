using StackExchange.Redis;

namespace Sluice.Redis;

/// <summary>
/// Keeps torn commits out. A server that was killed in the middle of writing its append-only file cuts it, when it is started again, behind the last whole command, which may
/// leave a transaction open at its end: what is written behind that is lost, or comes back, at the next start. So before anything is written to a new
/// run of a server, the file is written anew. The run for which that was done stands in the store, and every function compares it with the one it runs in.
/// </summary>
internal static class Cleaning
{
    /// <summary>Makes sure that the present run of the server is clean.</summary>
    public static async Task EnsureAsync(Connection connection, ServerAddress address, CancellationToken cancellation)
    {
        for (bool hasAsked = false; ;)
        {
            ServerInfo info = await connection.InfoAsync(cancellation).ConfigureAwait(false);
            string clean = (string)await connection.AnswerAsync(connection.Database.HashGetAsync(connection.Meta, "clean"), isRepeatable: true, cancellation).ConfigureAwait(false);
            if (clean == info.RunId) return;

            // A rewrite that this run of the server began, and that succeeded, is as good as one of our own.
            bool isClean = !info.HasLog || (info.Rewrites > 0 && !info.IsRewriting && !info.RewriteFailed);
            if (isClean)
            {
                await connection.AnswerAsync(connection.Database.HashSetAsync(connection.Meta, "clean", info.RunId), isRepeatable: true, cancellation).ConfigureAwait(false);
                return;
            }
            if (!info.IsRewriting)
            {
                if (hasAsked && info.RewriteFailed)
                    throw new StreamStoreException(
                        $"The server at {address} was started anew, and its append-only file could not be rewritten (BGREWRITEAOF): its disk may be full. Nothing is written until it can; look into the server's log.");
                await RewriteAsync(connection, address, cancellation).ConfigureAwait(false);
                hasAsked = true;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellation).ConfigureAwait(false);
        }
    }

    private static async Task RewriteAsync(Connection connection, ServerAddress address, CancellationToken cancellation)
    {
        try
        {
            await connection.AnswerAsync(connection.Database.ExecuteAsync("BGREWRITEAOF"), isRepeatable: true, cancellation).ConfigureAwait(false);
        }
        catch (RedisServerException refused) when (refused.Message.Contains("in progress", StringComparison.OrdinalIgnoreCase))
        {
            // Somebody else was faster.
        }
        catch (RedisServerException refused) when (refused.Message.StartsWith("NOPERM", StringComparison.Ordinal) || refused.Message.StartsWith("ERR unknown command", StringComparison.Ordinal))
        {
            throw new StreamStoreException(
                $"The server at {address} was started anew, and this user may not rewrite its append-only file (BGREWRITEAOF), without which a commit that was cut by a crash may come back. "
                + "Give the permission, or run BGREWRITEAOF and try again.", refused);
        }
    }
}
