using System.Collections.Concurrent;

namespace Sluice.PostgreSql.Tests.Sources;

/// <summary>A publication <c>shop</c> in a database of its own, and its changes as texts.</summary>
internal sealed class ChangesLab : IAsyncDisposable
{
    public const string Orders = "CREATE TABLE orders(id int PRIMARY KEY, note text); CREATE PUBLICATION shop FOR TABLE orders";

    private ChangesLab(SourceLab lab) => Lab = lab;

    public SourceLab Lab { get; }

    public PostgresChangesOptions Options { get; init; } = new() { AcknowledgeInterval = TimeSpan.FromMilliseconds(50) };

    public static async Task<ChangesLab> StartAsync(PostgresServer server, string create = Orders)
        => new(await SourceLab.StartAsync(create, server));

    public Source<string> Changes(string publication = "shop", PostgresChangesOptions? options = null, string? address = null,
        Func<PostgresChange, string>? item = null)
        => PostgresSource.Changes("shop", address ?? Lab.Address, publication, item ?? Text,
            (options ?? Options) with { OnWarning = Lab.Warnings.Enqueue });

    /// <summary>Accepts so many items; then the run ends.</summary>
    public Task AcceptAsync(int items) => Lab.AcceptAsync(Changes(), items);

    public async Task<string> FailAsync(Source<string>? source = null)
    {
        // A run that does not fail would follow for ever.
        using var late = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        return (await Assert.ThrowsAsync<PipelineException>(() => Lab.AcceptAsync(source ?? Changes(), cancellation: late.Token))).Message;
    }

    public async Task<string> SlotAsync() => (string)(await Lab.AskAsync(
        "SELECT slot_name::text FROM pg_replication_slots WHERE database = current_database()"))!;

    /// <summary>Asks again and again until the answer is true; fails if the run ends before.</summary>
    public Task UntilAsync(Task run, string sql) => UntilAsync(run, async () => await Lab.AskAsync(sql) is true);

    public static async Task UntilAsync(Task run, Func<Task<bool>> isSoAsync)
    {
        while (!await isSoAsync())
        {
            if (run.IsCompleted)
            {
                await run;
                Assert.Fail("The run has ended.");
            }
            await Task.Delay(1);
        }
    }

    public static string Text(PostgresChange change) => change.Kind switch
    {
        PostgresChangeKind.SnapshotStarted => "(",
        PostgresChangeKind.SnapshotEnded => ")",
        PostgresChangeKind.SnapshotRow => Row(change.Row),
        PostgresChangeKind.Insert => $"+{Row(change.Row)}",
        PostgresChangeKind.Update => $"{(change.OldRow is null ? "" : Row(change.OldRow))}>{Row(change.Row)}",
        PostgresChangeKind.Delete => $"-{Row(change.OldRow)}",
        _ => $"0{change.Table}",
    } + (change.IsLastOfTransaction ? "." : "");

    private static string Row(PostgresRow? row) => string.Join(',', row!.Columns.Select(column => row.IsUnchanged(column) ? "~"
        : row[column] ?? "null"));

    public async ValueTask DisposeAsync() => await Lab.DisposeAsync();
}
