using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace Sluice.PostgreSql.Tests;

/// <summary>
/// The work for the sends of a transaction grows with their number, not with its square, also if the server takes the intake for empty: it
/// is whenever it is analyzed, and what was sent is invisible then.
/// </summary>
public sealed partial class IntakePlanTests : IAsyncLifetime
{
    private const int Sends = 2500;                  // more than two rounds take

    private readonly string schema = SharedServer.NewSchema();
    private PostgresServer? started;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private PostgresServer Server => started!;

    /// <summary>The server writes each plan that a statement of the intake has had, with the rows that each node has passed over.</summary>
    public async ValueTask InitializeAsync() => started = await PostgresServer.StartAsync("autovacuum=off",
        "session_preload_libraries=auto_explain", "auto_explain.log_min_duration=0", "auto_explain.log_analyze=on",
        "auto_explain.log_timing=off");

    public async ValueTask DisposeAsync() => await Server.DisposeAsync();

    [Theory]
    [InlineData("before")]
    [InlineData("while")]
    public async Task NoPlanComparesEachRowWithEach(string analyzed)
    {
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(Server.Address, new() { Schema = schema },
            Cancellation);
        await using var orders = new Consecutor<int>("orders", static source => source | (static (int _) => { }), new() { Store = store });
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(Server.Address);
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(Cancellation);
        if (analyzed == "before") await AnalyzeAsync();
        // The store's connections keep the plans of these.
        for (int i = 0; i < 20; i++) await SendAsync(2);
        await SendAsync(Sends, analyzed == "while" ? AnalyzeAsync : null);
        Assert.Equal(Sends + 40, (await store.FindStreamAsync("orders", Cancellation))!.Appended);
        Assert.Equal(0L, await Server.AskAsync($"SELECT count(*) FROM {schema}.intake"));

        string plans = await ReadLogAsync();
        Assert.Contains("Delete on intake", plans, StringComparison.Ordinal);
        long[] passed = [.. Passed().Matches(plans).Select(static one => long.Parse(one.Groups[1].ValueSpan, CultureInfo.InvariantCulture)
            * long.Parse(one.Groups[2].ValueSpan, CultureInfo.InvariantCulture))];
        Assert.True(passed.DefaultIfEmpty().Max() < 4 * Sends, $"A node has passed over {passed.DefaultIfEmpty().Max()} rows.");

        async Task SendAsync(int count, Func<Task>? meanwhile = null)
        {
            await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(Cancellation);
            for (int i = 0; i < count; i++) await orders.SendAsync(i, transaction, Cancellation);
            if (meanwhile is not null) await meanwhile();
            await transaction.CommitAsync(Cancellation);
            await store.FindStreamAsync("orders", Cancellation);         // takes them in
        }

        Task AnalyzeAsync() => Server.AskAsync($"VACUUM ANALYZE {schema}.intake");
    }

    private async Task<string> ReadLogAsync()
    {
        await Server.AskAsync("SELECT 'the end of the plans'");
        while (true)
        {
            await using var file = new FileStream(Server.Log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(file);
            string all = await reader.ReadToEndAsync(Cancellation);
            if (all.Contains("the end of the plans", StringComparison.Ordinal)) return all;
        }
    }

    // A node that was executed several times has the average of its rows.
    [GeneratedRegex(@"loops=(\d+)\)(?:(?!->).)*?Rows Removed by (?:Join )?Filter: (\d+)", RegexOptions.Singleline)]
    private static partial Regex Passed();
}
