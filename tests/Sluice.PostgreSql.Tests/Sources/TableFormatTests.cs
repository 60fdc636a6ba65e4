using Npgsql;

namespace Sluice.PostgreSql.Tests.Sources;

/// <summary>The formats of a session do not decide which rows are read: a position is a text that must mean the same value again.</summary>
public class TableFormatTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("datestyle=SQL,DMY -c timezone=Asia/Kolkata", "timestamptz", "now() - interval '5 hours' + id * interval '1 hour'")]
    [InlineData("datestyle=German -c timezone=Asia/Chongqing", "timestamptz", "now() - interval '5 hours' + id * interval '1 hour'")]
    [InlineData("datestyle=Postgres,MDY", "date", "date '2026-10-09' + id")]
    [InlineData("intervalstyle=sql_standard", "interval", "interval '-10 days 2 hours' + id * interval '1 hour'")]
    [InlineData("extra_float_digits=0", "float8", "id * (0.1::float8 + 0.2)")]
    [InlineData("extra_float_digits=-15", "float4", "id / 3.0::float4")]
    public async Task EachRowIsReadOnceWhateverTheFormatsAre(string formats, string type, string value)
    {
        await using SourceLab lab = await SourceLab.StartAsync($"CREATE TABLE orders(id int PRIMARY KEY, value {type})");
        await using NpgsqlDataSource database = NpgsqlDataSource.Create($"{lab.Address};Options=-c {formats}");
        Source<string> source = PostgresSource.Table("orders", database, "orders", "value, id", static row => $"{row["id"]}",
            new() { PollInterval = null, MaxPageRows = 1, OnWarning = lab.Warnings.Enqueue });
        // Without an end, a run whose bound is below its row would look again for ever.
        using var late = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        late.CancelAfter(TimeSpan.FromMinutes(1));
        for (int last = 2; last <= 4; last += 2)
        {
            await lab.RunAsync($"INSERT INTO orders SELECT id, {value} FROM generate_series({last - 1}, {last}) id");
            await lab.AcceptAsync(source, cancellation: late.Token);
        }
        Assert.Equal(["1", "2", "3", "4"], await lab.AcceptedAsync());
    }

    /// <summary>As if there were nothing new: without a pause, a server that shows a row to one statement and not to the next one would be
    /// asked thousands of times a second.</summary>
    [Fact]
    public async Task ARowThatIsSeenAndCannotBeReadIsWaitedFor()
    {
        await using SourceLab lab = await SourceLab.StartAsync("CREATE TABLE orders(id int PRIMARY KEY); "
            + "INSERT INTO orders VALUES(1), (2); ALTER TABLE orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; "
            + "CREATE POLICY look ON orders USING (id = 1 OR current_query() LIKE '%DESC LIMIT 1')");
        using var late = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        late.CancelAfter(TimeSpan.FromMinutes(1));
        await lab.AcceptAsync(lab.Table(), cancellation: late.Token);
        await lab.RunAsync("DROP POLICY look ON orders; ALTER TABLE orders DISABLE ROW LEVEL SECURITY");
        await lab.AcceptAsync(lab.Table(), cancellation: late.Token);
        Assert.Equal(["1", "2"], await lab.AcceptedAsync());
    }
}
