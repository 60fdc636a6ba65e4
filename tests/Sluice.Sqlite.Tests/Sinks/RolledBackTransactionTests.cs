using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Tests.Delivery;

namespace Sluice.Sqlite.Tests;

/// <summary>
/// Constraints that roll back the whole transaction, and not only the statement: <c>INSERT OR ROLLBACK</c>, <c>RAISE(ROLLBACK, …)</c>.
/// Only the item of the row fails.
/// </summary>
public sealed class RolledBackTransactionTests : TransactionTestBase
{
    private protected override SqliteWrites Tables => new SqliteWrites().Add("CREATE TABLE number(n INTEGER NOT NULL CHECK(n <> 70))")
        .Add("CREATE TABLE total(count INTEGER NOT NULL)").Add("INSERT INTO total VALUES(0)")
        .Add("CREATE TRIGGER five BEFORE INSERT ON number WHEN NEW.n = 5 BEGIN SELECT RAISE(ROLLBACK, 'no five'); END");

    [Theory]
    [InlineData("INSERT INTO number VALUES(?)", 5, "no five")]
    [InlineData("INSERT OR ROLLBACK INTO number VALUES(CASE ?1 WHEN 5 THEN 50 WHEN 7 THEN 70 ELSE ?1 END)", 7, "CHECK constraint failed")]
    public async Task ARowThatRollsTheTransactionBackFailsItsItem(string insert, int item, string why)
    {
        await using var numbers = new Consecutor<int>("numbers", source => source | SqliteSink.InStore<int>(insert, static n => [n]),
            CommitLab.Options(Store));
        await FailsAsync(numbers, item, why);
        Assert.Equal("19", Ask("SELECT count(*) FROM number"));
    }

    /// <summary>The statements behind such a row would be outside of any transaction, and be repeated with the item.</summary>
    [Theory]
    [InlineData("ends")]
    [InlineData("goes on")]
    [InlineData("goes on, and fails")]
    [InlineData("reads on")]
    public async Task AFunctionThatIgnoresTheRollbackFailsItsItem(string then)
    {
        await using var numbers = new Consecutor<int>("numbers", source => source | Sink.OfAsync<int>((n, context, _) =>
        {
            context.InTransaction<SqliteTransaction>((transaction, _) =>
            {
                try
                {
                    transaction.Execute("INSERT INTO number VALUES(?)", n);
                }
                catch (StreamStoreException)
                {
                    if (then == "ends") return default;
                    if (then == "reads on") transaction.Query("SELECT count FROM total");
                }
                try
                {
                    transaction.Execute("UPDATE total SET count = count + 1");
                }
                catch (StreamStoreException) when (then == "goes on")
                {
                }
                return default;
            });
            return default;
        }), CommitLab.Options(Store));
        await FailsAsync(numbers, 5, "rolled the transaction back");
        Assert.Equal("19 19", Ask("SELECT count || ' ' || (SELECT count(*) FROM number) FROM total"));
    }

    /// <summary>The store refuses the item, and does not report a failure of its own.</summary>
    [Fact]
    public async Task ACommitOfOneItemIsRefusedAtOnce()
    {
        var store = new FailureCounter(Store);
        await using var numbers = new Consecutor<int>("numbers", source => source | Sink.OfAsync<int>((_, context, _) =>
        {
            context.InTransaction<SqliteTransaction>((transaction, _) =>
            {
                transaction.Execute("INSERT INTO number VALUES(5)");
                return default;
            });
            return default;
        }), CommitLab.Options(store));
        await CommitLab.RunAsync(numbers, 1, dead: 1);
        Assert.Equal(0, store.Failures);
    }

    [Fact]
    public async Task AStatementOfTheApplicationThatRollsBackIsRefused()
    {
        await Store.OpenStreamAsync("orders", cancellation: Cancellation);
        var writes = new SqliteWrites().Add("UPDATE total SET count = 1").Add("INSERT INTO number VALUES(5)");
        ItemRejectedException refused = await Assert.ThrowsAsync<ItemRejectedException>(
            () => Store.ExecuteAsync(writes, Cancellation).AsTask());
        Assert.Contains("no five", refused.Message, StringComparison.Ordinal);
        Assert.Equal("0", Ask("SELECT count FROM total"));
        Assert.NotNull(await Store.FindStreamAsync("orders", Cancellation));
    }

    private static async Task FailsAsync(Consecutor<int> numbers, int item, string why)
    {
        await CommitLab.RunAsync(numbers, 20, dead: 1);
        DeadLetter letter = Assert.Single(await numbers.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal(item, (int)letter.Item!);
        Assert.Contains(why, letter.Error, StringComparison.Ordinal);
    }

    private sealed class FailureCounter(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public int Failures { get; private set; }

        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            try
            {
                return await base.CommitAsync(commit, cancellation);
            }
            catch (StreamStoreException e) when (e is not ItemRejectedException)
            {
                Failures++;
                throw;
            }
        }
    }

    private string Ask(string sql)
    {
        using Database database = Database.Open(Store.Path, readOnly: true);
        return database.Ask(sql)!;
    }
}
