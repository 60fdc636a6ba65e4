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
            await (trouble.Kind switch
            {
                TroubleKind.Service => services[trouble.Service].KillAndStartAsync(),
                TroubleKind.Server => server!.KillAndStartAsync(cancellation),
                TroubleKind.Freeze => services[trouble.Service].FreezeAsync(Frozen, cancellation),
                _ => TerminateAsync(cancellation),
            });
            tally.Kill(trouble.Kind);
        }
    }

    // About a third of the connections of this database, in the middle of whatever they do.
    private async Task TerminateAsync(CancellationToken cancellation)
    {
        try
        {
            await using NpgsqlDataSource source = NpgsqlDataSource.Create(database);
            await using NpgsqlCommand terminate = source.CreateCommand("""
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid() AND random() < 0.35
                """);
            await terminate.ExecuteNonQueryAsync(cancellation);
        }
        catch (NpgsqlException)
        {
            // the server does not answer at present: its connections have ended without this
        }
    }
}
