namespace Sluice.PostgreSql.Tests.Sources;

/// <summary>A server or a slot with which changes would be lost fails the run by name.</summary>
public class ChangesMistakeTests(LogicalServer logical) : IClassFixture<LogicalServer>
{
    [Fact]
    public async Task AServerWithoutLogicalReplicationIsRefused()
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(SharedServer.Current.Server, "CREATE TABLE orders(id int)");
        Assert.Contains("has wal_level=minimal, and logical replication needs wal_level=logical", await shop.FailAsync(),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Schema=queue", "Schema= is a word of stores")]
    [InlineData("Transaction Pooling=true", "Transaction Pooling=true is a word of stores")]
    [InlineData("Hots=localhost", "perhaps 'Host' is meant")]
    public void AnAddressOfAStoreIsRefusedByName(string more, string why) => Assert.Contains(why, Assert.Throws<ArgumentException>(
        () => PostgresSource.Changes("shop", $"Host=localhost;{more}", "shop", ChangesLab.Text)).Message, StringComparison.Ordinal);

    [Fact]
    public void AnAddressWithoutAHostIsRefused()
    {
        Assert.Contains("names no Host", Assert.Throws<ArgumentException>(
            () => PostgresSource.Changes("shop", "Database=shop", "shop", ChangesLab.Text)).Message, StringComparison.Ordinal);
        Assert.Contains("is empty", Assert.Throws<ArgumentException>(
            () => PostgresSource.Changes("shop", " ", "shop", ChangesLab.Text)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MissingPublicationsAndRightsAndForeignSlotsAreNamed()
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server);
        Assert.Contains("There is no publication 'shopp' for the producer 'shop': CREATE PUBLICATION", await shop.FailAsync(
            shop.Changes("shopp")), StringComparison.Ordinal);
        await logical.Server.AskAsync($"CREATE USER {shop.Lab.Name} PASSWORD 'secret'");
        Assert.Contains("ALTER ROLE … REPLICATION", await shop.FailAsync(shop.Changes(address: shop.Lab.Address.Replace("Username=sluice",
            $"Username={shop.Lab.Name}", StringComparison.Ordinal))), StringComparison.Ordinal);
        await shop.Lab.RunAsync($"SELECT pg_create_logical_replication_slot('{shop.Lab.Name}', 'pgoutput')");
        Assert.Contains("There is a slot " + shop.Lab.Name + " already, and the producer 'shop' has no position in "
            + "it", await shop.FailAsync(
            shop.Changes(options: shop.Options with { Slot = shop.Lab.Name })), StringComparison.Ordinal);
        await shop.Lab.RunAsync($"SELECT pg_drop_replication_slot('{shop.Lab.Name}')");
        Assert.Contains("cannot be the name of a slot", Assert.Throws<ArgumentException>(() => new PostgresChangesOptions { Slot = "A-b" })
            .Message, StringComparison.Ordinal);
        Assert.Contains("could make no item of a change (SnapshotStarted of .", await shop.FailAsync(shop.Changes(
            item: static _ => throw new FormatException("no"))), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SELECT pg_drop_replication_slot('SLOT')", "The slot SLOT of the producer 'shop' was dropped: changes since")]
    [InlineData("INSERT INTO orders VALUES(9);; SELECT pg_replication_slot_advance('SLOT', pg_current_wal_lsn())", "another program has "
        + "read")]
    [InlineData("SELECT pg_drop_replication_slot('SLOT'); INSERT INTO orders VALUES(9)", "was dropped: changes since",
        "SELECT pg_create_logical_replication_slot('SLOT', 'pgoutput')", "another program has read from the slot or made it anew")]
    [InlineData("SELECT pg_drop_replication_slot('SLOT')", "was dropped", "SELECT pg_create_logical_replication_slot('SLOT', "
        + "'test_decoding')",
        "is another one now: of the plugin 'test_decoding'")]
    [InlineData("DROP PUBLICATION shop", "The publication 'shop' of the producer 'shop' was dropped since ")]
    [InlineData("DROP PUBLICATION shop;; INSERT INTO orders VALUES(9);; CREATE PUBLICATION shop FOR TABLE orders", "The publication 'shop' "
        + "of the producer 'shop' was dropped since ")]
    [InlineData("DROP PUBLICATION shop; CREATE PUBLICATION shop FOR TABLE orders", "The publication 'shop' of the producer 'shop' was ")]
    public async Task ASlotThatWasTamperedWithIsNoticed(string change, string why, string? then = null, string? whyThen = null)
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server);
        await shop.AcceptAsync(2);
        string slot = await shop.SlotAsync();
        foreach ((string? sql, string? text) in ((string?, string?)[])[(change, why), (then, whyThen)])
        {
            if (sql is null) continue;
            foreach (string transaction in sql.Replace("SLOT", slot, StringComparison.Ordinal).Split(";;"))
                await shop.Lab.RunAsync(transaction);
            Assert.Contains(text!.Replace("SLOT", slot, StringComparison.Ordinal), await shop.FailAsync(), StringComparison.Ordinal);
        }
        Assert.Equal(["(", ")"], await shop.Lab.AcceptedAsync());
    }

    [Fact]
    public async Task APromotedReplicaAndAnInvalidatedSlotAreNoticed()
    {
        await using PostgresServer own = await LogicalServer.StartAsync("max_slot_wal_keep_size=1MB",
            "min_wal_size=32MB", "max_wal_size=48MB");
        await using ChangesLab shop = await ChangesLab.StartAsync(own);
        await shop.AcceptAsync(2);
        await own.StopAsync();
        await own.StartAsStandbyAsync();
        shop.Lab.Database.Clear();
        Assert.Contains("is connected to a standby", await shop.FailAsync(), StringComparison.Ordinal);
        await own.AskAsync("SELECT pg_promote()");
        await shop.Lab.RunAsync("INSERT INTO orders VALUES(1, 'a')");
        await shop.AcceptAsync(1);                       // it has the slot, and all that was accepted
        Assert.Contains("a replica with the slot was promoted", Assert.Single(shop.Lab.Warnings), StringComparison.Ordinal);
        for (int i = 0; i < 4; i++) await own.AskAsync("SELECT pg_logical_emit_message(false, 'x', repeat('x', 1000)), pg_switch_wal()");
        await own.AskAsync("CHECKPOINT");
        Assert.Contains("The server has invalidated the slot", await shop.FailAsync(), StringComparison.Ordinal);
        await own.AskAsync($"SELECT pg_drop_replication_slot('{await shop.SlotAsync()}')");
        await own.StopAsync();
        await own.StartAsStandbyAsync();
        shop.Lab.Database.Clear();
        await own.AskAsync("SELECT pg_promote()");
        Assert.Contains("is a replica that was promoted (timeline 3, and 2 before), and it does not have the slot", await shop.FailAsync(),
            StringComparison.Ordinal);
        Assert.Equal(["(", ")", "+1,a."], await shop.Lab.AcceptedAsync());
    }

    [Fact]
    public async Task AnotherServerIsNoticed()
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server);
        await shop.AcceptAsync(2);
        await using PostgresServer other = await LogicalServer.StartOtherAsync();
        await using ChangesLab elsewhere = await ChangesLab.StartAsync(other);
        Assert.Contains("is connected to another server than before", await shop.FailAsync(shop.Changes(address: elsewhere.Lab.Address)),
            StringComparison.Ordinal);
    }
}
