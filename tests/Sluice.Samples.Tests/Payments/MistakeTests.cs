using Microsoft.Data.Sqlite;

namespace Sluice.Samples.Tests.Payments;

/// <summary>Mistakes on the command line: each is reported in one line, with exit code 2.</summary>
public sealed class MistakeTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("payments-");

    public void Dispose() => directory.Delete(recursive: true);

    [Theory]
    [InlineData("", "--serve or --drive")]
    [InlineData("--serve --drive 5", "--serve or --drive")]
    [InlineData("--serve", "--store")]
    [InlineData("--serve --store", "--store")]
    [InlineData("--serve --store payments.db", "sqlite:FILE")]
    [InlineData("--serve --store sqlite:", "sqlite:FILE")]
    [InlineData("--serve --store sqlite:.", "is a directory")]
    [InlineData("--serve --store sqlite:nowhere/p.db", "directory does not exist")]
    [InlineData("--serve --store sqlite:p.db --urls http://127.0.0.1:99999", "--urls")]
    [InlineData("--serve --store sqlite:p.db --urls https://127.0.0.1:5080", "--urls")]
    [InlineData("--serve --store sqlite:p.db --urls http://192.0.2.1:5080", "http://192.0.2.1:5080")]
    [InlineData("--serve --store sqlite:p.db --tcp seven", "--tcp")]
    [InlineData("--serve --store sqlite:p.db --window 0", "--window")]
    [InlineData("--serve --store sqlite:p.db --durability none", "--durability")]
    [InlineData("--serve --store sqlite:p.db --ledger p.db", "--ledger")]
    [InlineData("--serve --store sqlite:p.db --seed 3", "--drive")]
    [InlineData("--serve --stor sqlite:p.db", "--stor")]
    [InlineData("--drive", "--drive")]
    [InlineData("--drive 0", "--drive")]
    [InlineData("--drive 5 --ledger l.csv", "--store")]
    public async Task AWrongOptionIsReportedInOneLine(string commandLine, string said)
    {
        Ended ended = await WarmProgram.RunAsync("Payments", directory.FullName,
            commandLine.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(said, ended.OneErrorLine(2, "payments"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task FilesOfOtherProgramsAreRefused()
    {
        string text = Path.Combine(directory.FullName, "text"), database = Path.Combine(directory.FullName, "other.db");
        await File.WriteAllTextAsync(text, "hello", TestContext.Current.CancellationToken);
        SQLitePCL.Batteries_V2.Init();
        using (var other = new SqliteConnection($"Data Source={database};Pooling=False"))
        {
            other.Open();
            using SqliteCommand create = other.CreateCommand();
            create.CommandText = "CREATE TABLE customers(name TEXT)";
            create.ExecuteNonQuery();
        }

        Assert.Contains("no SQLite database", await ServeAsync("--store", "sqlite:text"), StringComparison.Ordinal);
        Assert.Contains("table customers", await ServeAsync("--store", "sqlite:other.db"), StringComparison.Ordinal);
        Assert.Contains("text has 5 bytes", await ServeAsync("--store", "sqlite:p.db", "--ledger", "text"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AResourceInUseIsReportedInOneLine()
    {
        using var server = new PaymentsServer();
        await server.StartAsync("--tcp", "0");
        Assert.Contains("is open already", await ServeAsync("--store", $"sqlite:{server.Store}"), StringComparison.Ordinal);
        Assert.Contains("address already in use", await ServeAsync("--store", "sqlite:p.db", "--urls", server.Address.ToString()),
            StringComparison.Ordinal);
        Assert.Contains($"--tcp {server.Tcp!.Port}",
            await ServeAsync("--store", "sqlite:p.db", "--urls", "http://127.0.0.1:0", "--tcp", $"{server.Tcp.Port}"),
                StringComparison.Ordinal);
        await server.PostAsync(PaymentsServer.Payment("a", 1));
        await server.WaitForAsync("ledger", "completed", 1);
        (await server.StopAsync()).Succeeded();
        Assert.Contains("other.csv", await ServeAsync("--store", $"sqlite:{server.Store}", "--ledger", "other.csv"),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task HelpNamesEveryRouteAndOption()
    {
        using SampleProcess help = SampleProcess.Start("Payments", directory.FullName, "--help");
        string output = (await help.EndAsync()).Succeeded().Output;
        foreach (string name in new[] { "POST /payments", "GET /balances", "GET /dead", "GET /snapshot", "Idempotency-Key", "--serve",
            "--drive N", "--store", "--ledger", "--tcp", "--urls", "--seed" })
            Assert.Contains(name, output, StringComparison.Ordinal);
    }

    private async Task<string> ServeAsync(params string[] arguments)
    {
        using SampleProcess server = SampleProcess.Start("Payments", directory.FullName, ["--serve", .. arguments]);
        return (await server.EndAsync()).OneErrorLine(2, "payments");
    }
}
