using Npgsql;

namespace Orders.Driving;

/// <summary>Kills what the plan says, when so many orders were answered.</summary>
internal sealed class Troubles(Plan plan, IReadOnlyList<ShopProcess> services, OwnServer? server, string database, Tally tally)
{
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(20);

    // Longer than the lease of the shop's consecutor.
    private static readonly TimeSpan Frozen = TimeSpan.FromSeconds(7);

    public async Task RunAsync(CancellationToken cancellation)
    {
        foreach (Trouble trouble in plan.Troubles)
        {
            while (tally.Answers.Count < trouble.At) await Task.Delay(Beat, cancellation);
            Task<bool> hitting = trouble.Kind switch
            {
                TroubleKind.Service => HitAsync(services[trouble.Service].KillAndStartAsync()),
                TroubleKind.Server => HitAsync(server!.KillAndStartAsync(cancellation)),
                TroubleKind.Freeze => HitAsync(services[trouble.Service].FreezeAsync(Frozen, cancellation)),
                _ => TerminateAsync(cancellation),
            };
            if (await hitting) tally.Kill(trouble.Kind);
        }
    }

    private static async Task<bool> HitAsync(Task trouble)
    {
        await trouble;
        return true;
    }

    // About a third of the connections of this database, in the middle of whatever they do.
    private async Task<bool> TerminateAsync(CancellationToken cancellation)
    {
        try
        {
            await using NpgsqlDataSource source = NpgsqlDataSource.Create(database);
            await using NpgsqlCommand terminate = source.CreateCommand("""
                SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity
                WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid() AND random() < 0.35) hit
                """);
            return (long)(await terminate.ExecuteScalarAsync(cancellation))! > 0;
        }
        catch (NpgsqlException)
        {
            return false;                            // the server does not answer at present: its connections have ended without this
        }
    }
}
