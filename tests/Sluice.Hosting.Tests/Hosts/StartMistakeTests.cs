using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.Graphs;
using Sluice.Hosting.Tests.Http;
using Sluice.Sqlite;
using SQLitePCL;

namespace Sluice.Hosting.Tests;

/// <summary>Each mistake that a user makes with a host is one line with the setting or the unit, and an exit code; nothing has a stack
/// trace. The host is a whole web application with an <c>appsettings.json</c> of its own.</summary>
public sealed class StartMistakeTests : StartMistakeTestBase
{
    public static TheoryData<string, string, int, string> Settings => new()
    {
        { "an unknown store", """{"Store": "mysql:here"}""", 2, "Sluice:Store cannot be used. A store is written as sqlite:FILE, "
            + "redis:HOST:PORT, postgres:CONNECTION or memory; this text begins with 'mysql:'." },
        { "a file without a scheme", """{"Store": "orders.db"}""", 2, "Sluice:Store cannot be used. A store is written as sqlite:FILE, "
            + "redis:HOST:PORT, postgres:CONNECTION or memory; this text has no scheme before a colon." },
        { "a store without a name", """{"Store": "sqlite:"}""", 2, "Sluice:Store cannot be used. A store is written as sqlite:FILE, "
            + "redis:HOST:PORT, postgres:CONNECTION or memory; this text begins with 'sqlite:', and ends there." },
        { "a URL", """{"Store": "redis://:secret@localhost:6379/0"}""", 2, "Sluice:Store cannot be used. The connection string for "
            + "Redis is no URL. It is like localhost:6379,password=…,ssl=true,defaultDatabase=0." },
        { "a server without its words", """{"Store": "postgres:localhost"}""", 2, "Sluice:Store cannot be used. The connection string of "
            + "PostgreSQL is malformed. It has the form Host=localhost;Port=5432;" },
        { "an empty value", """{"Store": ""}""", 2, "Sluice:Store cannot be used. A store is written as sqlite:FILE, redis:HOST:PORT, "
            + "postgres:CONNECTION or memory; this text is empty." },
        { "a store in a folder that does not exist", """{"Store": "sqlite:FOLDER/no/orders.db"}""", 3, "Sluice:Store cannot be used. "
            + "The store FOLDER/no/orders.db cannot be opened: its directory does not exist. Make it first." },
        { "an unknown setting", """{"Stor": "memory"}""", 2, "Sluice:Stor: there is no such setting; there are Consecutors, Health, "
            + "LogPayloads, LogScopes, OnFailure, Store, Supervisor." },
        { "a misspelt section", """{"Consecutor": {"numbers": {}, "x": 1}}""", 2, "Sluice:Consecutor: there is no such setting; there are "
            + "Consecutors, Health, LogPayloads, LogScopes, OnFailure, Store, Supervisor." },
        { "a misspelt consecutor", """{"Consecutors": {"nubmers": {"MaxInFlight": 1}}}""", 2,
            "Sluice:Consecutors:nubmers is the name of no consecutor; there are numbers." },
        { "a misspelt option", """{"Consecutors": {"numbers": {"Stream": {"Partition": 5}}}}""", 2, "Sluice:Consecutors:numbers:Stream:"
            + "Partition: there is no such setting; there are MaxBytes, MaxEntryBytes, MaxItems, Partitions." },
        { "a text for a number", """{"Consecutors": {"numbers": {"MaxInFlight": "many"}}}""", 2,
            "Sluice:Consecutors:numbers:MaxInFlight is 'many'; it must be a whole number." },
        { "nothing for a number", """{"Health": {"MaxBacklog": ""}}""", 2, "Sluice:Health:MaxBacklog is ''; it must be a whole number." },
        { "a number out of range", """{"Consecutors": {"numbers": {"MaxInFlight": 0}}}""", 2, "Sluice:Consecutors:numbers:MaxInFlight is "
            + "'0'; " },
        { "a number for a duration", """{"Consecutors": {"numbers": {"LeaseDuration": 30}}}""", 2, "Sluice:Consecutors:numbers:"
            + "LeaseDuration is '30'; it must be a duration such as 00:00:30 (hours, minutes, seconds)." },
        { "a duration without seconds", """{"Health": {"StoreTimeout": "00:05"}}""", 2, "Sluice:Health:StoreTimeout is '00:05'; it must be "
            + "a duration such as 00:00:30 (hours, minutes, seconds)." },
        { "a duration out of range", """{"Supervisor": {"LeaseDuration": "-00:00:30"}}""", 2, "Sluice:Supervisor:LeaseDuration is "
            + "'-00:00:30'; " },
        { "an unknown guarantee", """{"Consecutors": {"numbers": {"Delivery": "exactly once"}}}""", 2, "Sluice:Consecutors:numbers:"
            + "Delivery is 'exactly once'; it must be none, confirm, 'track N' or 'replay N'." },
        { "an unknown choice", """{"OnFailure": "Crash"}""", 2, "Sluice:OnFailure is 'Crash'; it must be one of StopHost, Degrade." },
        { "a word for true", """{"LogScopes": "yes"}""", 2, "Sluice:LogScopes is 'yes'; it must be true or false." },
        { "a value for a section", """{"Health": 5}""", 2, "Sluice:Health is '5'; it is a section with settings of its own." },
        { "a section for a value", """{"Store": {"sqlite": "orders.db"}}""", 2, "Sluice:Store is a section; it must be a single value." },
        {
            "a value for all settings", "\"memory\"", 2,
            "Sluice is a section with settings of its own, such as Sluice:Store; it is a text."
        },
        { "a list of stores", """{"Store": ["memory"]}""", 2, "Sluice:Store is a section; it must be a single value." },
    };

    [Theory]
    [MemberData(nameof(Settings))]
    public async Task AWrongSettingIsOneLineWithItsPath(string what, string sluice, int exitCode, string line)
    {
        Assert.NotEmpty(what);
        await IsAsync(exitCode, line, $$"""{"Sluice": {{sluice}}}""");
    }

    [Theory]
    [InlineData("""{"Sluce": {"Store": "memory"}}""", "Sluce is no section that Sluice reads; its settings are in Sluice.")]
    [InlineData("""{"Sluice": {"Store": "memory",}""", "Failed to load configuration from file 'FOLDER/appsettings.json'. It is no JSON: "
        + "line 1, ")]
    [InlineData("""{"Sluice": {"Store": "memory", "Store": "memory"}}""", "Failed to load configuration from file "
        + "'FOLDER/appsettings.json'. A duplicate key 'Sluice:Store' was found.")]
    public Task AWrongFileIsOneLineWithItsName(string json, string line) => IsAsync(2, line, json);

    [Fact]
    public Task AMissingFileIsOneLine()
        => IsAsync(2, "The configuration file 'shop.json' was not found and is not optional.",
            configure: static builder => builder.Configuration.AddJsonFile("shop.json", optional: false));

    [Fact]
    public async Task AFileOfASinkThatIsGoneIsOneLineThatNamesTheConsecutor()
    {
        string file = Path.Combine(Folder, "lines.txt"), db = Path.Combine(Folder, "lines.db");
        await using (var store = await SqliteStreamStore.OpenAsync(db, Durability.Process))
        await using (var lines = new Consecutor<string>("lines", source => source | Sink.ToFile<string>(file, static line => line),
            new() { Store = store }))
        {
            await lines.StartAsync(Cancellation);
            await lines.SendAsync("a", Cancellation);
            await lines.WaitForIdleAsync(Cancellation);
        }
        File.Delete(file);
        await IsAsync(3, $"The consecutor lines does not start: 'lines.txt' failed: {file} is not there, and 2 bytes of it are committed: ",
            """{"Sluice": {"Store": "sqlite:FOLDER/lines.db"}}""",
            add: sluice => sluice.AddConsecutor<string>("lines", (_, source) => source | Sink.ToFile<string>(file, static line => line)));
    }

    /// <summary>Not a store that does not answer: a supervisor that starts the process again would do so for ever.</summary>
    [Fact]
    public async Task AnotherNumberOfPartitionsIsAMistakeOfTheSettings()
    {
        await using (var store = await SqliteStreamStore.OpenAsync(Path.Combine(Folder, "numbers.db"), Durability.Process))
        await using (var numbers = new Consecutor<int>("numbers", static source => source | (static _ => { }), new() { Store = store }))
            await numbers.SendAsync(1, Cancellation);
        await IsAsync(2,
            "The consecutor numbers does not start: The stream numbers has 64 partitions in its store, and was opened with 16. ",
            """{"Sluice": {"Store": "sqlite:FOLDER/numbers.db", "Consecutors": {"numbers": {"Stream": {"Partitions": 16}}}}}""");
    }

    [Fact]
    public async Task AMistakeThatNamesTheConsecutorNamesItOnce()
    {
        static Consecutor<int> Counted(SqliteStreamStore store) => new("numbers",
            static source => source.Aggregate(0, static (sum, n) => sum + n) | Stage.Named("sum") | (static _ => { }),
            new() { Store = store, Stream = new() { Partitions = 64 } });
        await using (var store = await SqliteStreamStore.OpenAsync(Path.Combine(Folder, "numbers.db"), Durability.Process))
        await using (Consecutor<int> numbers = Counted(store))
        {
            await numbers.StartAsync(Cancellation);
            await numbers.SendAsync(1, Cancellation);
            await numbers.WaitForIdleAsync(Cancellation);
        }
        await IsAsync(2, "The consecutor numbers does not start: it has stored ", """{"Sluice": {"Store": "sqlite:FOLDER/numbers.db"}}""");
    }

    [Fact]
    public Task ASettingOfTheCommandLineIsNamed()
        => IsAsync(2, "Sluice:Health:MaxBacklog is '1e6'; it must be a whole number.", arguments: "--Sluice:Health:MaxBacklog=1e6");

    [Fact]
    public Task ANameOfTwoConsecutorsIsOneLine()
        => IsAsync(2, "Two consecutors were added under the name numbers. Give each a name of its own.",
            add: static sluice => sluice.AddConsecutor<string>("numbers", static (_, source) => source | (static _ => { })));

    [Fact]
    public Task ANameOfTwoConsecutorsThatAnEndpointAsksForIsOneLine()
        => IsAsync(2, "Two consecutors were added under the name numbers. Give each a name of its own.",
            add: static sluice => sluice.AddConsecutor<int>("numbers", static (_, source) => source | (static _ => { })),
            map: static app => app.MapProducer<int>("/numbers"));

    [Fact]
    public Task AnOutputToNoConsecutorIsOneLine()
        => IsAsync(2, "The output numbers.all leads to the consecutor 'nowhere', which was not added: there are numbers.",
            add: static sluice => sluice.AddOutput<int>("numbers", "all", "nowhere"));

    [Theory]
    [InlineData("nubmers")]
    [InlineData("Numbers")]
    public Task AnOutputOfNoConsecutorIsOneLine(string from)
        => IsAsync(2, $"The output {from}.all comes from the consecutor '{from}', which was not added: there are numbers, texts.",
            add: sluice => sluice.AddConsecutor<string>("texts", static (_, source) => source | (static _ => { }))
                .AddOutput<string>(from, "all", "texts"));

    [Fact]
    public Task AnOutputOfOtherItemsIsOneLine()
        => IsAsync(2, "The output numbers.all carries items of the type int, which the consecutor texts does not take.",
            add: static sluice => sluice.AddConsecutor<string>("texts", static (_, source) => source | (static _ => { }))
                .AddOutput<int>("numbers", "all", "texts"));

    [Fact]
    public Task AStageWithoutItsServiceIsOneLine()
        => IsAsync(2, "the consecutor texts cannot be made: ForEachItem calls its function with a service of the type Missing, and none is "
            + "registered. Register it with the host's services, for example AddScoped<Missing>().",
            add: static sluice => sluice.AddConsecutor<string>("texts", static (services, source) => source
                | services.ForEachItem(static (Missing _, string _, CancellationToken _) => Task.CompletedTask)));

    [Fact]
    public Task AStepWithoutItsServiceIsOneLine()
        => IsAsync(2, "The step length calls its function with a service of the type Missing, and none is registered. Register it with the "
            + "host's services, for example AddScoped<Missing>().",
            add: static sluice => sluice.AddStep("length",
                static (Missing _, string text, CancellationToken _) => Task.FromResult(text.Length)));

    [Fact]
    public Task AServiceThatThePipelineLacksIsOneLine()
        => IsAsync(2, $"the pipeline beside cannot be made: No service for type '{typeof(Missing).FullName}' has been registered.",
            add: static sluice => sluice.AddPipeline("beside", static services =>
            {
                services.GetRequiredService<Missing>();
                return Source.From([1]) | (static _ => { });
            }));

    [Fact]
    public Task AGraphThatCannotBeBuiltIsOneLine()
        => IsAsync(2, "the graph for requests of the type string cannot be made: ",
            add: static sluice => sluice.AddGraph(static _ =>
            {
                GraphBuilder<string> graph = Graph.For<string>("lengths");
                graph.Add("length", static request => request.Length);
                graph.Add("length", static request => request.Length);
                return graph.Build();
            }));

    [Theory]
    [InlineData("the consecutor texts")]
    [InlineData("the pipeline import")]
    [InlineData("the graph for requests of the type string")]
    public async Task CodeThatThrowsWhileTheHostStartsKeepsItsStackTraceAndIsNamed(string unit)
    {
        await using WebApplication app = Build(new LogProbe(), ["--urls=http://127.0.0.1:0"], sluice => _ = unit switch
        {
            "the consecutor texts" => sluice.AddConsecutor<string>("texts", static (_, _) => throw new FormatException("no good")),
            "the pipeline import" => sluice.AddPipeline("import", static _ => throw new FormatException("no good")),
            _ => sluice.AddGraph<string>(static _ => throw new FormatException("no good")),
        }, null);
        Exception failure = await Assert.ThrowsAnyAsync<Exception>(() => app.StartAsync(Cancellation));
        Assert.Equal($"{unit} cannot be made: its code has thrown FormatException: no good", failure.Message);
        Assert.IsType<FormatException>(failure.InnerException);
        Assert.Null(StartMistake.Find(failure));
        Assert.Contains(nameof(StartMistakeTests), failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public Task AServiceThatAnotherOneLacksIsOneLine()
        => IsAsync(2, $"Unable to resolve service for type '{typeof(Missing).FullName}' while attempting to activate "
            + $"'{typeof(Needing).FullName}'.", configure: static builder => builder.Services.AddSingleton<Needing>());

    [Fact]
    public Task AnEndpointOfNoConsecutorIsOneLine()
        => IsAsync(2, "There is no consecutor 'nubmers' of items of the type int: there are numbers.",
            map: static app => app.MapProducer<int>("/numbers", "nubmers"));

    [Fact]
    public async Task AStoreOfANewerVersionIsOneLineWithItsVersion()
    {
        string path = Path.Combine(Folder, "newer.db");
        await (await SqliteStreamStore.OpenAsync(path, Durability.Process, null, Cancellation)).DisposeAsync();
        Batteries_V2.Init();
        Assert.Equal(raw.SQLITE_OK, raw.sqlite3_open(path, out sqlite3 database));
        using (database) Assert.Equal(raw.SQLITE_OK, raw.sqlite3_exec(database, "UPDATE sluice_meta SET version = version + 1"));
        string text = await MistakeAsync(3, """{"Sluice": {"Store": "sqlite:FOLDER/newer.db"}}""");
        Assert.StartsWith($"Sluice:Store cannot be used. The store {path} has the schema version ", text, StringComparison.Ordinal);
        Assert.EndsWith("Nothing was changed: open it with the version of Sluice that wrote it, or a later one.", text,
            StringComparison.Ordinal);
    }

    [Fact]
    public void AnErrorOfTheProgramKeepsItsStackTrace()
    {
        Exception own = Assert.Throws<InvalidOperationException>(static void () => throw new InvalidOperationException("no good"));
        Assert.Null(StartMistake.Find(own));
        Assert.Null(StartMistake.Find(new FormatException("no good")));
        Assert.Null(StartMistake.Find(new AggregateException(own)));
    }

    [Fact]
    public async Task AVariableWithOneUnderscoreIsWarnedOf()
    {
        var log = new LogProbe();
        string[] arguments = ["--urls=http://127.0.0.1:0", "--Sluice_Store=memory", "--SLUICE_PAGER=cat"];
        await using WebApplication app = Build(log, arguments, null, null);
        await app.StartAsync(Cancellation);
        await app.StopAsync(Cancellation);
        Assert.Equal(["Sluice_Store is no setting, so it has no effect. In the environment, a setting has two underscores where its path "
            + "has a colon: Sluice__Store"], log.Lines.Where(static line => line.Text.Contains("no setting", StringComparison.Ordinal))
                .Select(static line => line.Text));
    }

    private sealed class Missing;

    private sealed class Needing(Missing missing)
    {
        public Missing Missing => missing;
    }
}
