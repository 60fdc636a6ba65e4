using Npgsql;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>What opening a store says when it cannot, and that it makes its tables once.</summary>
public class OpeningTests(SharedServer server)
{
    private readonly string schema = SharedServer.NewSchema();

    private PostgresStoreOptions Options => new() { Schema = schema, Timeout = TimeSpan.Zero };

    [Fact]
    public async Task ManyProcessesThatOpenANewStoreAtOnceMakeItOnce()
    {
        PostgresStreamStore[] stores = await Task.WhenAll(Enumerable.Range(0, 8)
            .Select(_ => PostgresStreamStore.OpenAsync(server.Address, Options with { MaxConnections = 3 }).AsTask()));
        await stores[0].OpenStreamAsync("orders");
        Assert.All(await Task.WhenAll(stores.Select(store => store.ListStreamsAsync().AsTask())),
            streams => Assert.Equal(["orders"], streams));
        foreach (PostgresStreamStore store in stores) await store.DisposeAsync();
    }

    [Fact]
    public async Task AStoreOfANewerVersionIsRefusedByName()
    {
        await (await PostgresStreamStore.OpenAsync(server.Address, Options)).DisposeAsync();
        await server.Server.AskAsync($"UPDATE {schema}.meta SET version = 99");
        var refused = await Assert.ThrowsAsync<StreamStoreException>(
            async () => await PostgresStreamStore.OpenAsync(server.Address, Options));
        Assert.Contains("was written by a newer version of Sluice: this one knows the version 1 of its tables, not 99", refused.Message,
            StringComparison.Ordinal);
        Assert.True(refused.IsPermanent);
    }

    [Fact]
    public async Task AUserWithoutRightsToCreateUsesTablesThatAnAdministratorMade()
    {
        var missing = await Assert.ThrowsAsync<StreamStoreException>(
            async () => await PostgresStreamStore.OpenAsync(server.Address, Options with { AutoCreate = false }));
        Assert.Contains("There is no store at ", missing.Message, StringComparison.Ordinal);
        string user = $"user_{schema}";
        await server.Server.AskAsync(PostgresStreamStore.SchemaSql(schema));
        await server.Server.AskAsync($"CREATE USER {user} PASSWORD 'secret'; GRANT USAGE ON SCHEMA {schema} TO {user}; "
            + $"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {user}");
        string address = new NpgsqlConnectionStringBuilder(server.Address) { Username = user }.ConnectionString;
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(address, Options with { AutoCreate = false });
        await store.OpenStreamAsync("orders", new() { Partitions = 2 });
        await store.AddGroupAsync(new("orders", "main"));
        using var batch = new EntryBatch();
        batch.Add("one"u8);
        Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(new("orders", "p", 0, 1, batch))).Status);
        await store.DeleteStreamAsync("orders");
    }

    [Theory]
    [InlineData("Password=secret", "Password=wrong", "refuses the user sluice: password authentication failed")]
    [InlineData("Database=sluice", "Database=missing", "There is no database missing on the PostgreSQL server")]
    [InlineData("", "Port=1", "No PostgreSQL server answers at 127.0.0.1:")]
    public async Task AMistakeInTheConnectionStringIsNamedWithoutThePassword(string right, string wrong, string words)
    {
        string address = wrong.Contains("Port=1", StringComparison.Ordinal)
            ? $"Host=127.0.0.1;Port={PostgresServer.FreePort()};Database=sluice;Username=sluice;Password=secret"
            : server.Address.Replace(right, wrong, StringComparison.Ordinal);
        var refused = await Assert.ThrowsAsync<StreamStoreException>(async () => await PostgresStreamStore.OpenAsync(address, Options));
        Assert.Contains(words, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no connection string")]
    [InlineData("Host=localhost;Sche=a")]
    [InlineData("Host=localhost;Schema=Upper")]
    [InlineData("Host=localhost;Schema=\"a;b\"")]
    public async Task AMalformedConnectionStringIsRefusedAtOnce(string connection)
        => await Assert.ThrowsAsync<ArgumentException>(async () => await PostgresStreamStore.OpenAsync(connection));

    [Fact]
    public async Task TwoStoresInOneDatabaseDoNotSeeEachOther()
    {
        await using PostgresStreamStore one = await PostgresStreamStore.OpenAsync($"{server.Address};Schema={schema}");
        await using PostgresStreamStore other = await PostgresStreamStore.OpenAsync($"{server.Address};Schema={SharedServer.NewSchema()}");
        await one.OpenStreamAsync("orders");
        Assert.Empty(await other.ListStreamsAsync());
    }

    [Fact]
    public async Task ASettingsTextOpensTheStoreAndItsShortFormHasNoPassword()
    {
        string text = $"postgres:{server.Address};Schema={schema}";
        await using (IStreamStore store = await StreamStores.OpenAsync(text)) await store.OpenStreamAsync("orders");
        await using (IStreamStore looker = await StreamStores.OpenReadOnlyAsync(text))
            Assert.Equal(["orders"], await looker.ListStreamsAsync());
        Assert.DoesNotContain("secret", StreamStores.WithoutSecrets(text), StringComparison.Ordinal);
        Assert.Contains($"schema {schema}", StreamStores.WithoutSecrets(text), StringComparison.Ordinal);
        await Assert.ThrowsAsync<StreamStoreException>(async () => await StreamStores.OpenReadOnlyAsync(
            $"postgres:{server.Address};Schema={SharedServer.NewSchema()}"));
    }

    [Fact]
    public async Task DroppedTablesAreALossAndTheStoreGoesOnInANewGeneration()
    {
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(server.Address, Options);
        await store.OpenStreamAsync("orders");
        await server.Server.AskAsync($"DROP SCHEMA {schema} CASCADE");
        await Assert.ThrowsAsync<StoreRolledBackException>(async () => await store.FindStreamAsync("orders"));
        Assert.Equal(2, await store.RaiseGenerationAsync(1));
        Assert.Null(await store.FindStreamAsync("orders"));
        await store.OpenStreamAsync("orders");
    }
}
