using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>Items that are sent in a transaction of EF Core: accepted if and only if its rows are saved.</summary>
public sealed class EfCoreTests(SharedServer server) : IAsyncLifetime
{
    private readonly string database = $"ef_{SharedServer.NewSchema()}";
    private readonly List<string> seen = [];
    private PostgresStreamStore? opened;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Address => server.Address.Replace("Database=sluice", $"Database={database}", StringComparison.Ordinal);

    public async ValueTask InitializeAsync()
    {
        await server.Server.AskAsync($"CREATE DATABASE {database} OWNER sluice");
        await using (var shop = new Shop(Address)) await shop.Database.EnsureCreatedAsync(Cancellation);
        opened = await PostgresStreamStore.OpenAsync(Address, cancellation: Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await opened!.DisposeAsync();
        await server.Server.AskAsync($"DROP DATABASE {database} WITH (FORCE)");
    }

    [Fact]
    public async Task AnItemIsAcceptedIfAndOnlyIfTheTransactionOfTheContextCommits()
    {
        await using Consecutor<string> orders = Orders();
        foreach (bool commits in (bool[])[false, true])
        {
            await using var shop = new Shop(Address);
            await using IDbContextTransaction transaction = await shop.Database.BeginTransactionAsync(Cancellation);
            shop.Lines.Add(new() { Id = 1, Text = "apples" });
            await shop.SaveChangesAsync(Cancellation);
            await orders.SendAsync("apples", transaction.GetDbTransaction(), Cancellation);
            await orders.SendAsync("pears", shop.Database.CurrentTransaction!.GetDbTransaction(), Cancellation);
            if (commits) await transaction.CommitAsync(Cancellation);
            else await transaction.RollbackAsync(Cancellation);
        }
        await AssertAsync(orders, ["apples", "pears"], rows: 1);
    }

    /// <remarks>EF Core makes a savepoint for each SaveChanges in a transaction, and goes back to it.</remarks>
    [Fact]
    public async Task AnItemThatWasSentBeforeSaveChangesFailedIsKept()
    {
        await using Consecutor<string> orders = Orders();
        await using var shop = new Shop(Address);
        await using IDbContextTransaction transaction = await shop.Database.BeginTransactionAsync(Cancellation);
        shop.Lines.Add(new() { Id = 1, Text = "apples" });
        await shop.SaveChangesAsync(Cancellation);
        await orders.SendAsync("before", transaction.GetDbTransaction(), Cancellation);
        shop.ChangeTracker.Clear();
        shop.Lines.Add(new() { Id = 1, Text = "the same id" });
        await Assert.ThrowsAsync<DbUpdateException>(() => shop.SaveChangesAsync(Cancellation));
        await orders.SendAsync("after", transaction.GetDbTransaction(), Cancellation);
        await transaction.CommitAsync(Cancellation);
        await AssertAsync(orders, ["before", "after"], rows: 1);
    }

    /// <remarks>The connection ends between the send and the commit, so the strategy executes everything again.</remarks>
    [Fact]
    public async Task AStrategyThatRepeatsTheTransactionSendsItsItemOnce()
    {
        await using Consecutor<string> orders = Orders();
        await using var shop = new Shop($"{Address};Application Name={database}", repeats: true);
        int tries = 0;
        await shop.Database.CreateExecutionStrategy().ExecuteAsync(async () =>
        {
            shop.ChangeTracker.Clear();
            await using IDbContextTransaction transaction = await shop.Database.BeginTransactionAsync(Cancellation);
            shop.Lines.Add(new() { Id = 1, Text = "apples" });
            await shop.SaveChangesAsync(Cancellation);
            await orders.SendAsync($"apples, try {++tries}", transaction.GetDbTransaction(), Cancellation);
            if (tries == 1) await server.Server.AskAsync("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                + $"WHERE application_name = '{database}'");
            await transaction.CommitAsync(Cancellation);
        });
        Assert.Equal(2, tries);
        await AssertAsync(orders, ["apples, try 2"], rows: 1);
    }

    private async Task AssertAsync(Consecutor<string> orders, string[] items, int rows)
    {
        await orders.StartAsync(Cancellation);
        Assert.Equal(items.Length, (await opened!.FindStreamAsync("orders", Cancellation))!.Appended);
        await orders.WaitForIdleAsync(Cancellation);
        Assert.Equal(items, seen);
        await using var shop = new Shop(Address);
        Assert.Equal(rows, await shop.Lines.CountAsync(Cancellation));
    }

    private Consecutor<string> Orders() => new("orders", source => source | seen.Add,
        new() { Store = opened, Process = new(), Stream = new() { Partitions = 1 } });

    private sealed class Shop(string address, bool repeats = false) : DbContext
    {
        public DbSet<Line> Lines => Set<Line>();

        protected override void OnConfiguring(DbContextOptionsBuilder optionsBuilder) => optionsBuilder.UseNpgsql(address, npgsql =>
        {
            if (repeats) npgsql.EnableRetryOnFailure();
        });
    }

    private sealed class Line
    {
        public int Id { get; set; }

        public string Text { get; set; } = "";
    }
}
