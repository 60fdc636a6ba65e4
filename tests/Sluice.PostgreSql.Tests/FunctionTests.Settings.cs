using Npgsql;
using Sluice.Tests.Delivery;

namespace Sluice.PostgreSql.Tests;

public sealed partial class FunctionTests
{
    /// <summary>A plain SET of a function stays on no connection: neither of the store's pool nor of a pooler's.</summary>
    [Theory]
    [InlineData(false, "")]
    [InlineData(true, "")]
    [InlineData(false, "; SET LOCAL work_mem = '4MB'; SET LOCAL search_path = pg_temp")]
    public async Task SettingsOfAFunctionReachNobodyElse(bool isPooled, string end)
    {
        string[] own = ["SET search_path = pg_catalog", "SET statement_timeout = '3min'", "SET lock_timeout = '2min'",
            "SET work_mem = '3MB'", "SET idle_in_transaction_session_timeout = '9min'", "SET plan_cache_mode = force_custom_plan",
            "SET bytea_output = escape", "SET default_transaction_read_only = on", "SET \"DateStyle\" = 'German'",
            "SET app.tenant = 'a'", "SET standard_conforming_strings = off", "SET TimeZone = 'Asia/Tokyo'", "SET synchronous_commit = off"];
        await using PgBouncer? bouncer = isPooled ? await PgBouncer.StartAsync(server.Server.Port) : null;
        await using NpgsqlDataSource source = NpgsqlDataSource.Create($"{bouncer?.Address ?? server.Address};Maximum Pool Size=10;"
            + "Cancellation Timeout=-1;No Reset On Close=true");
        string before = (await SettingsAsync(source))[0];
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(source,
            Patient.Options with { Schema = place.Name, TransactionPooling = isPooled, OnWarning = static _ => { } }, Cancellation);
        string during = "";
        await using Consecutor<int> numbers = Numbers((n, context) =>
        {
            context.InTransaction<NpgsqlTransaction>(async (transaction, cancellation) =>
            {
                await InsertAsync(transaction, n, "row", cancellation);
                await ExecuteAsync(transaction, string.Join("; ", own) + end, cancellation);
            });
            context.InTransaction<NpgsqlTransaction>(async (transaction, cancellation) =>
            {
                await using var ask = new NpgsqlCommand("SELECT current_setting('search_path')", transaction.Connection);
                during = (string)(await ask.ExecuteScalarAsync(cancellation))!;
            });
            return default;
        }, store: store);
        await CommitLab.RunAsync(numbers, 20, dead: 0);
        Assert.Equal("\"$user\", public", during);
        await numbers.StopAsync(cancellation: Cancellation);
        Assert.All(await SettingsAsync(source), after => Assert.Equal(before, after));
    }

    /// <summary>A SET behind a rollback is no part of a transaction that could be taken back.</summary>
    [Fact]
    public async Task SettingsBehindARollbackReachNobodyElse()
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create($"{server.Address};Maximum Pool Size=10;No Reset On Close=true");
        string before = (await SettingsAsync(source))[0];
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(source,
            Patient.Options with { Schema = place.Name, OnWarning = static _ => { } }, Cancellation);
        await using Consecutor<int> numbers = Numbers((n, context) =>
        {
            if (n == 7) context.InTransaction<NpgsqlTransaction>(async (transaction, cancellation) =>
                await ExecuteAsync(transaction, "ROLLBACK; SET search_path = pg_catalog; SET work_mem = '3MB'", cancellation));
            return default;
        }, store: store);
        await CommitLab.RunAsync(numbers, 20, dead: 1);
        await numbers.StopAsync(cancellation: Cancellation);
        Assert.All(await SettingsAsync(source), after => Assert.Equal(before, after));
    }

    /// <summary>This setting would switch triggers and foreign keys off for all who use the connection later.</summary>
    [Fact]
    public async Task ASettingThatTheUserWasGrantedReachesNobodyElse()
    {
        await server.Server.AskAsync("GRANT SET ON PARAMETER session_replication_role TO sluice");
        await using NpgsqlDataSource source = NpgsqlDataSource.Create($"{server.Address};Maximum Pool Size=10;No Reset On Close=true");
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(source,
            Patient.Options with { Schema = place.Name, OnWarning = static _ => { } }, Cancellation);
        await using Consecutor<int> numbers = Numbers((n, context) =>
        {
            context.InTransaction<NpgsqlTransaction>(async (transaction, cancellation) =>
                await ExecuteAsync(transaction, "SET session_replication_role = 'replica'", cancellation));
            return default;
        }, store: store);
        await CommitLab.RunAsync(numbers, 20, dead: 0);
        await numbers.StopAsync(cancellation: Cancellation);
        Assert.All(await SettingsAsync(source), after => Assert.Contains("session_replication_role=origin", after,
            StringComparison.Ordinal));
    }

    // Of all connections, also of those between a pooler and the server.
    private static async Task<List<string>> SettingsAsync(NpgsqlDataSource source)
    {
        const string Ask = "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN ('search_path', "
            + "'statement_timeout', 'lock_timeout', 'work_mem', 'bytea_output', 'default_transaction_read_only', 'DateStyle', "
            + "'standard_conforming_strings', 'TimeZone', 'plan_cache_mode', 'session_replication_role', "
            + "'idle_in_transaction_session_timeout', 'synchronous_commit') "
            + "OR (name = 'app.tenant' AND setting <> '')";
        List<string> said = [];
        List<NpgsqlConnection> open = [];
        for (int i = 0; i < 8; i++)
        {
            open.Add(await source.OpenConnectionAsync(Cancellation));
            await using var ask = new NpgsqlCommand(Ask, open[^1], await open[^1].BeginTransactionAsync(Cancellation));
            said.Add((string)(await ask.ExecuteScalarAsync(Cancellation))!);
        }
        foreach (NpgsqlConnection connection in open) await connection.DisposeAsync();
        return said;
    }
}
