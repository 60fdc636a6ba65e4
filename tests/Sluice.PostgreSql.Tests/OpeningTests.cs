using Npgsql;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>What opening a store says when it cannot, and that it makes its tables once.</summary>
public class OpeningTests(SharedServer server)
{
    private readonly string schema = SharedServer.NewSchema();

    private PostgresStoreOptions Options => new() { Schema = schema, Timeout = TimeSpan.Zero };

    [Theory]
    [InlineData("26000", "prepared statement \"_auto1\" does not exist")]
    [InlineData("42P05", "prepared statement \"_auto1\" already exists")]
    public void APoolerThatTheStoreDoesNotKnowOfIsNamed(string code, string message)
    {
        Exception explained = Failures.Explain(new PostgresException(message, "ERROR", "ERROR", code),
            StorePlace.Of(server.Address, schema), mayHaveRun: false);
        Assert.Contains($"is not the one on which the store has prepared its statements ({message}): Nothing was done.", explained.Message,
            StringComparison.Ordinal);
        Assert.Contains("Transaction Pooling=true", explained.Message, StringComparison.Ordinal);
    }

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
    public async Task AProcessWaitsWhileAnotherOneMakesTheTables()
    {
        await using ByHand other = await ByHand.BeginAsync(server.Server,
            $"SELECT pg_advisory_xact_lock({SchemaSetup.LockSpace}, hashtext('{schema}'))");
        Task<PostgresStreamStore> opening = PostgresStreamStore.OpenAsync($"{server.Address};Application Name={schema}", Options).AsTask();
        await Task.WhenAny(opening, ByHand.UntilAsync(server.Server, "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = "
            + $"'{schema}' AND wait_event_type = 'Lock' AND clock_timestamp() - query_start > interval '400 ms'"));
        await other.CommitAsync();
        await (await opening).DisposeAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task TablesOfEarlierVersionsAreUpgradedWithTheirRowsWhoeverOpensThem(int version)
    {
        using var batch = new EntryBatch();
        batch.Add("one"u8);
        await using (PostgresStreamStore first = await PostgresStreamStore.OpenAsync(server.Address, Options))
        {
            await first.OpenStreamAsync("orders", new() { Partitions = 1 });
            await first.AddGroupAsync(new("orders", "main"));
            await first.AppendAsync(new("orders", "p", 0, 1, batch));
        }
        await server.Server.AskAsync($"ALTER TABLE {schema}.chunk RESET (autovacuum_vacuum_cost_delay); "
            + $"UPDATE {schema}.meta SET version = {version}");
        if (version <= 5) await server.Server.AskAsync($"ALTER TABLE {schema}.chunk RESET (toast_tuple_target)");
        if (version <= 4) await server.Server.AskAsync($"ALTER TABLE {schema}.stream DROP COLUMN stamp");
        if (version <= 3) await server.Server.AskAsync($"ALTER TABLE {schema}.stream DROP COLUMN store");
        if (version <= 2) await server.Server.AskAsync($"DROP TABLE {schema}.intake; ALTER TABLE {schema}.stream "
            + "DROP COLUMN held_items, DROP COLUMN held_bytes");
        if (version == 1) await server.Server.AskAsync($"ALTER TABLE {schema}.part DROP COLUMN swept; ALTER TABLE {schema}.grp "
            + $"DROP COLUMN draining; DROP TABLE {schema}.gone");
        var refused = await Assert.ThrowsAsync<StreamStoreException>(
            async () => await PostgresStreamStore.OpenAsync(server.Address, Options with { AutoCreate = false }));
        Assert.Contains($"has tables of the version {version}, this library needs 7, and AutoCreate is off. Let a database administrator "
            + $"run what sluice schema {schema} --from {version} --user USER prints", refused.Message, StringComparison.Ordinal);

        if (version % 2 == 1)                        // as a database administrator does it
        {
            var other = await Assert.ThrowsAsync<PostgresException>(() => server.Server.AskAsync(
                PostgresStreamStore.SchemaSql(schema, from: version == 1 ? 2 : version - 1)));
            Assert.Contains($"have the version {version}. Print the upgrade from that one: sluice schema {schema} --from {version}",
                other.MessageText, StringComparison.Ordinal);
            await server.Server.AskAsync(PostgresStreamStore.SchemaSql(schema, "sluice", version));
            foreach (int? from in (int?[])[version, null])           // whoever had no answer runs the text again
            {
                var again = await Assert.ThrowsAsync<PostgresException>(() => server.Server.AskAsync(
                    PostgresStreamStore.SchemaSql(schema, "sluice", from)));
                Assert.Contains(from is null ? "has the tables of a store already: there is nothing to create. If a user"
                    : "have the version 7 already: there is nothing to upgrade. If a user", again.MessageText, StringComparison.Ordinal);
            }
            await (await PostgresStreamStore.OpenAsync(server.Address, Options with { AutoCreate = false })).DisposeAsync();
        }
        PostgresStreamStore[] stores = await Task.WhenAll(Enumerable.Range(0, 4)
            .Select(_ => PostgresStreamStore.OpenAsync(server.Address, Options with { MaxConnections = 3 }).AsTask()));
        await stores[0].DrainGroupAsync(new("orders", "main"));
        Assert.True((await stores[3].FindGroupAsync(new("orders", "main")))!.IsDraining);
        Assert.Equal("one"u8.ToArray(), (await stores[1].ReadAsync(new("orders", 0, 1))).Entries.Span[0].Payload.ToArray());
        await using (var orders = new Consecutor<string>("orders", source => source | (_ => { }), new()
        { Store = stores[2], Stream = new() { Partitions = 1 } }))
        await using (NpgsqlConnection connection = await server.Direct.OpenConnectionAsync())
        await using (NpgsqlTransaction transaction = await connection.BeginTransactionAsync())
        {
            await orders.SendAsync("two", transaction);
            await transaction.CommitAsync();
        }
        Assert.Equal(2, (await stores[1].FindStreamAsync("orders"))!.Appended);
        await stores[2].DeleteStreamAsync("orders");
        foreach (PostgresStreamStore store in stores) await store.DisposeAsync();
    }

    [Fact]
    public async Task AStoreOfANewerVersionIsRefusedByName()
    {
        await (await PostgresStreamStore.OpenAsync(server.Address, Options)).DisposeAsync();
        await server.Server.AskAsync($"UPDATE {schema}.meta SET version = 99");
        var refused = await Assert.ThrowsAsync<StreamStoreException>(
            async () => await PostgresStreamStore.OpenAsync(server.Address, Options));
        Assert.Contains("was written by a newer version of Sluice: this one knows the version 7 of its tables, not 99", refused.Message,
            StringComparison.Ordinal);
        Assert.True(refused.IsPermanent);
    }

    [Fact]
    public async Task AStoreThatANewerVersionHasTakenOverIsNotWrittenAnyMore()
    {
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(server.Address, Options);
        await store.OpenStreamAsync("orders");
        await server.Server.AskAsync($"UPDATE {schema}.meta SET version = 99");
        var refused = await Assert.ThrowsAsync<StreamStoreException>(async () => await store.EndStreamAsync("orders", StreamEnd.Complete));
        Assert.Contains("was written by a newer version of Sluice", refused.Message, StringComparison.Ordinal);
        Assert.Equal(false, await server.Server.AskAsync($"SELECT has_ended FROM {schema}.stream"));
    }

    [Fact]
    public async Task ADatabaseWithAnotherEncodingIsRefused()
    {
        await server.Server.AskAsync($"CREATE DATABASE latin_{schema} OWNER sluice TEMPLATE template0 ENCODING 'LATIN1'");
        var refused = await Assert.ThrowsAsync<StreamStoreException>(async () => await PostgresStreamStore.OpenAsync(
            server.Address.Replace("Database=sluice", $"Database=latin_{schema}", StringComparison.Ordinal), Options));
        Assert.Contains("has the encoding LATIN1: a store needs UTF8", refused.Message, StringComparison.Ordinal);
        Assert.True(refused.IsPermanent);
    }

    [Theory]
    [InlineData("")]
    [InlineData(";Target Session Attributes=primary")]
    [InlineData(";Target Session Attributes=read-write")]
    public async Task OfSeveralServersThePrimaryIsUsed(string words)
    {
        string address = new NpgsqlConnectionStringBuilder(server.Address)
        { Host = $"127.0.0.1:{FreePort.Next()},127.0.0.1:{server.Server.Port}" }.ConnectionString;
        address += $";Application Name={schema}{words}";
        await using (PostgresStreamStore store = await PostgresStreamStore.OpenAsync(address, Options))
            await store.OpenStreamAsync("orders");
        await ByHand.UntilAsync(server.Server, $"SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = '{schema}'");
    }

    [Fact]
    public async Task AUserWithoutRightsToCreateUsesTablesThatAnAdministratorMade()
    {
        var missing = await Assert.ThrowsAsync<StreamStoreException>(
            async () => await PostgresStreamStore.OpenAsync(server.Address, Options with { AutoCreate = false }));
        Assert.Contains("There is no store at ", missing.Message, StringComparison.Ordinal);
        string user = $"The \"{schema}\"";
        await server.Server.AskAsync($"CREATE USER \"The \"\"{schema}\"\"\" PASSWORD 'secret'");
        await server.Server.AskAsync(PostgresStreamStore.SchemaSql(schema, user));
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
    [InlineData(0, "There is no upgrade from the version 0")]
    [InlineData(8, "There is no upgrade from the version 8")]
    [InlineData(7, "Tables of the version 7 need no upgrade")]
    public void AnUpgradeThatDoesNotExistIsRefused(int version, string words)
        => Assert.StartsWith(words, Assert.Throws<ArgumentException>(() => PostgresStreamStore.SchemaSql(from: version)).Message,
            StringComparison.Ordinal);

    [Fact]
    public async Task TheOwnerOfAPreparedSchemaNeedsNoRightToCreateSchemas()
    {
        await server.Server.AskAsync($"CREATE USER owner_{schema} PASSWORD 'secret'; CREATE SCHEMA {schema} AUTHORIZATION owner_{schema}");
        string address = new NpgsqlConnectionStringBuilder(server.Address) { Username = $"owner_{schema}" }.ConnectionString;
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(address, Options);
        await store.OpenStreamAsync("orders");
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("postgres://app:secret@localhost/shop", "is a URL, which Npgsql does not read")]
    [InlineData("postgres:Host=localhost;Password=secret", "begins with 'postgres:', which belongs to settings and to the command line")]
    [InlineData("Host=localhost;Databse=shop;Password=secret", "has a keyword that Npgsql does not know (perhaps 'Database' is meant)")]
    [InlineData("Host=localhost;Prot=5;Password=secret", "has a keyword that Npgsql does not know (perhaps 'Port' is meant)")]
    [InlineData("Host=localhost;Password=a;7hsecret=b", "is malformed")]
    [InlineData("Host=localhost;Password:secret;Port=5", "is malformed")]
    [InlineData("Host=localhost;Password=a;7hsecret;Database=shop", "is malformed")]
    [InlineData("Host=localhost;Transaction Pooling=perhaps;Password=secret", "is malformed")]
    public void AConnectionStringOfAnotherFormSaysWhatItIs(string text, string what)
    {
        var refused = Assert.Throws<ArgumentException>(() => { _ = PostgresStreamStore.OpenAsync(text, Options); });
        Assert.StartsWith($"The connection string of PostgreSQL {what}", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Password=secret", "Password=wrong", "refuses the user sluice: password authentication failed")]
    [InlineData("Database=sluice", "Database=missing", "There is no database missing on the PostgreSQL server")]
    [InlineData("", "Port=1", "No PostgreSQL server answers at 127.0.0.1:")]
    public async Task AMistakeInTheConnectionStringIsNamedWithoutThePassword(string right, string wrong, string words)
    {
        string address = wrong.Contains("Port=1", StringComparison.Ordinal)
            ? $"Host=127.0.0.1;Port={FreePort.Next()};Database=sluice;Username=sluice;Password=secret"
            : server.Address.Replace(right, wrong, StringComparison.Ordinal);
        var refused = await Assert.ThrowsAsync<StreamStoreException>(async () => await PostgresStreamStore.OpenAsync(address, Options));
        Assert.Contains(words, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ErrorsNameEachOfSeveralServersWithItsPort()
        => Assert.Equal("a:1,b:5433", StorePlace.Of("Host=a:1,b;Port=5433", "s").Server);

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

    /// <summary>As a round that began before the raise, and is compared after it.</summary>
    [Fact]
    public async Task ARoundOfAnEarlierGenerationDoesNotLowerTheGeneration()
    {
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(server.Address, Options);
        Assert.Equal(2, await store.RaiseGenerationAsync(1));
        await server.Server.AskAsync($"UPDATE {schema}.meta SET generation = 1");
        await store.OpenStreamAsync("orders");
        Assert.Equal(2, store.Generation);
        Assert.Equal(2, await store.RaiseGenerationAsync(1));
        Assert.Equal(3, await store.RaiseGenerationAsync(2));
    }
}
