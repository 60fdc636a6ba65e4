using Npgsql;

namespace Sluice.PostgreSql.Tests;

/// <summary>A transaction that a test runs by hand, as another process would: it holds its locks until it ends.</summary>
internal sealed class ByHand : IAsyncDisposable
{
    private readonly NpgsqlConnection connection;

    private ByHand(NpgsqlConnection connection) => this.connection = connection;

    public static async Task<ByHand> BeginAsync(PostgresServer server, string statement)
    {
        var hand = new ByHand(new(server.Admin + ";Pooling=false"));
        await hand.connection.OpenAsync();
        await hand.RunAsync($"BEGIN; {statement}");
        return hand;
    }

    public static Task<ByHand> LockAsync(PostgresServer server, string schema, params string[] streams)
        => BeginAsync(server, $"SELECT FROM {schema}.stream WHERE name IN ('{string.Join("', '", streams)}') FOR UPDATE");

    public Task CommitAsync() => RunAsync("COMMIT");

    /// <summary>Waits until some connections of an application wait for locks.</summary>
    public static Task BlockedAsync(PostgresServer server, string application, int connections = 1) => UntilAsync(server,
        $"SELECT count(*) = {connections} FROM pg_stat_activity WHERE application_name = '{application}' AND wait_event_type = 'Lock'");

    /// <summary>Waits until a query says true.</summary>
    public static async Task UntilAsync(PostgresServer server, string query)
    {
        while (await server.AskAsync(query) is not true) await Task.Delay(1);
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private async Task RunAsync(string text)
    {
        await using var command = new NpgsqlCommand(text, connection);
        await command.ExecuteNonQueryAsync();
    }
}
