namespace Sluice.PostgreSql.Sources;

/// <summary>
/// Waits until the transactions of a look have ended. Then no row before the bound of the look can appear any more: its transaction had
/// begun before the bound was seen, and so was among them.
/// </summary>
internal sealed class TableBarrier(SourceServer server, TableLooker looker, TableShape shape)
{
    private const string Prepared = "-1/";

    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(5), MaxWait = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public async Task PassAsync(TableLook look, CancellationToken cancellation)
    {
        Dictionary<string, string> open = look.Open;
        HashSet<string> known = [.. open.Keys];
        long since = server.Time.GetTimestamp();
        bool isSaid = false;
        TimeSpan wait = FirstWait;
        while (open.Count > 0)
        {
            await Task.Delay(wait, server.Time, cancellation).ConfigureAwait(false);
            wait = wait * 2 < MaxWait ? wait * 2 : MaxWait;
            Dictionary<string, string> now = await server.CallAsync(connection => looker.OpenAsync(connection, cancellation), cancellation)
                .ConfigureAwait(false);
            // With what they are now: a transaction that is prepared leaves its process.
            var left = now.Where(one => open.ContainsKey(one.Key)).ToDictionary(StringComparer.Ordinal);
            // Before the releases of November 2021 (14.1, 13.5, 12.9), it gets another name, too.
            if (left.Count < open.Count)
            {
                foreach ((string name, string who) in now)
                    if (name.StartsWith(Prepared, StringComparison.Ordinal) && known.Add(name)) left[name] = who;
            }
            open = left;
            if (isSaid || open.Count == 0 || server.Time.GetElapsedTime(since) < Patience) continue;
            isSaid = true;
            server.Warn($"rows of {shape.Name} wait, because {open.Count:N0} transaction{(open.Count == 1 ? " that was" : "s that were")} "
                + "open "
                + $"before them may still commit rows with lower values: {string.Join(", ", open.Values.Order().Take(5))}. "
                + "Rows are read when it has ended: see pg_stat_activity, pg_prepared_xacts, idle_in_transaction_session_timeout.");
        }
        if (isSaid) server.Warn($"rows of {shape.Name} are read again, after {server.Time.GetElapsedTime(since).TotalSeconds:N0} s.");
    }
}
