using System.Text;
using Sluice.Sqlite;

namespace Sluice.Cli.Tests;

/// <summary>Each mistake is one line with what to do, an exit code, and no stack trace.</summary>
public sealed class MistakeTests : CliTestBase
{
    public static TheoryData<int, string, string> Mistakes => new()
    {
        { 2, "strems sqlite:orders.db", "'strems'. Do you mean 'streams'? See sluice --help." },
        { 2, "deda sqlite:orders.db", "Do you mean 'dead'?" },
        { 2, "streams sqlite:orders.db --perfix a", "'--perfix'. Do you mean '--prefix'?" },
        { 2, "streams sqlite:orders.db --jsno", "Do you mean '--json'?" },
        { 2, "discard sqlite:orders.db orders --alll", "Do you mean '--all'?" },
        { 2, "tables sqlite:orders.db", "'tables'. See sluice --help." },
        { 2, "version", "'version'. Do you mean '--version'? See sluice --help." },
        { 2, "streams sqlite:orders.db -j", "'-j'. Do you mean '--json'? See sluice --help." },
        { 2, "streams sqlite:orders.db -x", "'-x'. See sluice --help." },
        { 2, "streams redis://:secret@localhost:6379/0", "The connection string for Redis is no URL. It is like localhost:6379" },
        { 2, "dashboard sqlite:orders.db --urls http://localhost:1", "'--urls'. See sluice --help." },
        { 2, "redis:localhost:6379,password=secret streams", "This text. See sluice --help." },
        { 2, "streams", "STORE" },
        { 2, "streams sqlite:orders.db --colour", "--colour" },
        { 2, "discard sqlite:orders.db orders --al", "Unrecognized option '--al'" },
        { 2, "streams sqlite:orders.db prices", "prices" },
        { 2, "streams orders", "there is no sluice.json" },
        { 2, "streams orders.db", "Do you mean sqlite:orders.db?" },
        { 2, "streams memory", "sluice cannot look into it" },
        { 2, "streams mysql:orders", "begins with 'mysql:'" },
        { 2, "streams cache,password=aB3:xY9,ssl=true", "begins with none of them. Write 'redis:' before" },
        { 2, "streams Host=db;Password=aB3:xY9", "begins with none of them. Write 'postgres:' before" },
        { 2, "streams sqlite:", "ends there" },
        { 2, "streams redis:localhost:6379,pasword=secret", "A connection string for Redis is like localhost:6379,password=…" },
        { 2, "streams host=localhost,password=secret", "This text is no store" },
        { 2, "dead sqlite:orders.db --max 0", "--max is 1 to 1000" },
        { 2, "dead sqlite:orders.db --since yesterday", "--since is 30m" },
        { 2, "redrive sqlite:orders.db orders", "needs either ids" },
        { 2, "discard sqlite:orders.db orders 1 --all", "needs either ids" },
        { 2, "flow sqlite:orders.db run --format png", "--format is text, mermaid, dot or svg" },
        { 2, "top sqlite:orders.db --interval 0", "--interval is 0.5 to 3600" },
        { 2, "top sqlite:orders.db --interval 1,5", "--interval is a number, not '1,5'" },
        { 2, "top sqlite:orders.db --interval soon", "--interval is a number, not 'soon'" },
        { 2, "top sqlite:orders.db --rows 2.5", "--rows is a whole number, not '2.5'" },
        { 2, "show sqlite:orders.db prices --max 99999999999", "--max is a whole number, not '99999999999'" },
        { 2, "dead sqlite:orders.db --max", "Required argument missing for option: '--max'" },
        { 2, "dead sqlite:orders.db --after x", "--after is a whole number, not 'x'." },
        { 2, "schema --from x", "--from is a whole number, not 'x'." },
        { 2, "backup redis:localhost:6379 copy.db", "copies SQLite stores" },
        { 1, "show sqlite:orders.db nothing", "no stream 'nothing'" },
        { 1, "flow sqlite:orders.db a/b", "no run 'a/b'" },
        { 2, "discard sqlite:orders.db orders --all --ignore-missing", "--ignore-missing is for ids" },
        { 2, "pause sqlite:orders.db", "NAME" },
        { 1, "members sqlite:orders.db nothing", "no stream 'nothing'" },
        { 1, "members sqlite:orders.db no:thing", "no consecutor 'no:thing'" },
        { 1, "pause sqlite:orders.db nothing", "no consecutor 'nothing'. Nothing was changed." },
        { 1, "drain sqlite:orders.db nothing", "no consecutor 'nothing'. Nothing was changed." },
        { 1, "resume sqlite:orders.db no:thing", "no consecutor 'no:thing'. Nothing was changed." },
        { 3, "pause sqlite:missing.db orders", "does not exist" },
        { 3, "streams sqlite:missing.db", "does not exist" },
        { 3, "streams sqlite:folder", "it is a directory" },
        { 3, "redrive sqlite:folder orders --all", "it is a directory" },
        { 3, "check sqlite:empty.db", "has no Sluice store" },
        { 3, "backup sqlite:orders.db folder", "is a directory" },
        { 2, "backup sqlite:orders.db sqlite:copy.db", "Leave out 'sqlite:'" },
        { 3, "backup sqlite:orders.db none/copy.db", "its directory does not exist. Make it first." },
        { 3, "check sqlite:notes.txt", "is no SQLite database" },
        { 3, "backup sqlite:orders.db no/such/copy.db", "could not be copied" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public async Task AMistakeIsOneLine(int exitCode, string arguments, string part)
    {
        await (await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation)).DisposeAsync();
        await File.WriteAllTextAsync(Path.Combine(Folder, "notes.txt"), new string('x', 5000), Cancellation);
        await File.WriteAllTextAsync(Path.Combine(Folder, "empty.db"), "", Cancellation);
        Directory.CreateDirectory(Path.Combine(Folder, "folder"));
        string line = await MistakeAsync(exitCode, arguments.Split(' '));
        Assert.Contains(part, line, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", line, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(Folder, "missing.db")));
    }

    [Theory]
    [InlineData("""{"stores": {"orders": "sqlite:orders.db"}}""", "orders", null)]
    [InlineData("""{"stores": {"orders": "sqlite:orders.db"}}""", "ordres", "not among the stores of")]
    [InlineData("""{"stores": {"orders": "sqlite:orders.db"}""", "orders", "is no JSON")]
    [InlineData("""{"orders": "sqlite:orders.db"}""", "orders", "has another form")]
    [InlineData("""{"stores": {"orders": "orders.db"}}""", "orders", "no scheme")]
    [InlineData("""{"stores": {"orders": "memory"}}""", "orders", "is a memory store in")]
    [InlineData("""{"stores": {"orders": "sqlite:orders.db", "orders": "sqlite:other.db"}}""", "orders", "names the store 'orders' twice")]
    [InlineData("""{"stores": {"orders": "sqlite:orders.db", "a": "sqlite:a", "a": "sqlite:b"}}""", "orders", "names the store 'a' twice")]
    [InlineData("""{"stores": {"orders": "sqlite:orders.db"}, "stores": {}}""", "orders", "has \"stores\" 2 times")]
    [InlineData("""{"stores": {"orders": "sqlite:orders.db", "twelve": 12}}""", "orders", "has another form")]
    [InlineData("\ufeff{\"stores\": {\"orders\": \"sqlite:orders.db\"}}", "orders", null)]
    [InlineData("""{"stores": {"orders:eu": "sqlite:orders.db"}}""", "orders:eu", null)]
    [InlineData("""{"stores": {"orders:eu": "sqlite:orders.db"}}""", "orders:us", "begins with 'orders:'")]
    [InlineData("", "orders", "is no JSON: line 1")]
    [InlineData("\0\u0001", "orders", "is no JSON: line 1")]
    public async Task AStoreHasANameFromSluiceJson(string json, string name, string? mistake)
    {
        await (await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation)).DisposeAsync();
        await File.WriteAllTextAsync(Path.Combine(Folder, "sluice.json"), json, Cancellation);
        if (mistake is null) Assert.Equal("no streams\n", (await RunAsync("streams", name)).Succeeded().Output);
        else Assert.Contains(mistake, await MistakeAsync(2, "streams", name), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"stores\": {\"köln\": \"sqlite:orders.db\"}}", true)]
    [InlineData("{\"stores\": {\"orders\": \"sqlite:\\ud800\"}}", false)]
    public async Task AFileOfNamesThatIsNoUnicodeIsNamed(string json, bool isLatin1)
    {
        await File.WriteAllBytesAsync(Path.Combine(Folder, "sluice.json"), (isLatin1 ? Encoding.Latin1 : Encoding.ASCII).GetBytes(json),
            Cancellation);
        Assert.Contains("sluice.json is no JSON: a text in it is not in UTF-8", await MistakeAsync(2, "streams", "orders"),
            StringComparison.Ordinal);
        Assert.Equal("", (await RunAsync("[suggest:15]", "sluice streams ")).Errors);
    }

    // Arguments reach the store as they are: none is a path, an option, a pattern, or a part of a request.
    // Two commands for each name, two names or more for each command.
    [Theory]
    [InlineData("", 0)]
    [InlineData("a/b/../c", 1)]
    [InlineData("it's \"so\"; DROP TABLE sluice_stream", 2)]
    [InlineData("%_*?[a-z]", 3)]
    [InlineData("line\nbreak\e[31m", 4)]
    [InlineData("日本 😀 ü", 5)]
    [InlineData("--all", 1)]
    public async Task AnOddNameIsANameThatDoesNotExist(string name, int first)
    {
        string[][] commands = [["show"], ["flow"], ["pause"], ["drain"], ["resume"], ["discard", "--all"]];
        await using (SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation))
            await FillAsync(store, "1");
        foreach (string[] command in (string[][])[commands[first], commands[(first + 3) % commands.Length]])
        {
            string line = await MistakeAsync(1, [command[0], "sqlite:orders.db", .. command[1..], "--", name]);
            Assert.DoesNotContain("Exception", line, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task AMistypedNameIsAnsweredWithTheNamesNearIt()
    {
        await using (SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation))
        {
            await FillAsync(store, "1");
            await store.OpenStreamAsync("order", cancellation: Cancellation);                // a stream without a consecutor
        }
        Assert.EndsWith("no stream 'ordres'. Near it: orders, order.", await MistakeAsync(1, "show", "sqlite:orders.db", "ordres"),
            StringComparison.Ordinal);
        foreach (string command in (string[])["pause", "drain", "resume"])
            Assert.EndsWith(" Near it: orders.", await MistakeAsync(1, command, "sqlite:orders.db", "ordres"),
                StringComparison.Ordinal);
        Assert.DoesNotContain("Near it", await MistakeAsync(1, "show", "sqlite:orders.db", "payments"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task HelpNamesEveryCommand()
    {
        string help = (await RunAsync("--help")).Succeeded().Output;
        Assert.All((string[])["streams", "show", "dead", "redrive", "discard", "pause", "drain", "resume", "members", "flows", "flow",
            "top", "check", "backup", "schema", "graph", "bench", "completion", "dashboard", "--json", "--no-pager"],
            command => Assert.Contains($"  {command}", help, StringComparison.Ordinal));
    }
}
