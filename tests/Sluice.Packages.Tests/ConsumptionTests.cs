namespace Sluice.Packages.Tests;

/// <summary>The packages work in projects that know nothing of the repository.</summary>
public class ConsumptionTests(Packed packed)
{
    [Long("TemplateTests; AHostWithEachPackageRuns")]
    [Fact]
    public async Task APipelineRuns()
    {
        using var clean = new CleanDirectory(packed);
        clean.WriteProject("pipeline", packed.Version, "Sluice");
        clean.Write("pipeline/Program.cs",
            """
            using Sluice;

            await (Source.From([1, 2, 3]) | Square | Console.WriteLine).RunAsync();

            static int Square(int number) => number * number;
            """);
        Assert.Equal("1\n4\n9\n", await clean.RunAsync("run", "-c", "Release", "--project", "pipeline"));
    }

    [Fact]
    public async Task ADurablePipelineGoesOnAfterTheEndOfTheProcessAndAWrongOneIsExplained()
    {
        using var clean = new CleanDirectory(packed);
        clean.WriteProject("durable", packed.Version, "Sluice.Sqlite");
        clean.Write("durable/Program.cs",
            """
            using Sluice;
            using Sluice.Sqlite;

            await using var store = await SqliteStreamStore.OpenAsync("durable.db", Durability.Power);
            await using var numbers = new Consecutor<int>("numbers", source => source | Console.WriteLine,
                new ConsecutorOptions { Store = store });
            if (args is ["send"])
            {
                await numbers.SendAllAsync([1, 2, 3]);
                return;
            }
            await numbers.StartAsync();
            await numbers.WaitForIdleAsync();
            #if WRONG
            Pipeline pipeline = Source.From([1, 2]) | Twice | Length | Console.WriteLine;
            static int Twice(int number) => 2 * number;
            static int Length(string text) => text.Length;
            #endif
            """);
        await clean.RunAsync("build", "durable", "-c", "Release", "-v", "quiet", "-o", "out");
        Assert.Equal("", await clean.RunAsync("out/durable.dll", "send"));
        Assert.Equal("1\n2\n3\n", await clean.RunAsync("out/durable.dll"));
        Assert.Equal("", await clean.RunAsync("out/durable.dll"));

        Ended wrong = await clean.EndAsync("build", "durable", "-c", "Release", "-v", "quiet", "--no-restore", "-p:Wrong=true");
        Assert.NotEqual(0, wrong.ExitCode);
        Assert.Contains("error SLU001: 'Length' takes 'string', and 'Twice' puts out 'int'", wrong.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AHostWithEachPackageRuns()
    {
        using var clean = new CleanDirectory(packed);
        clean.WriteProject("host", packed.Version, "Sluice.Hosting", "Sluice.Sqlite", "Sluice.Redis", "Sluice.PostgreSql",
            "Sluice.Testing");
        clean.Write("host/Program.cs",
            """
            using Microsoft.Extensions.DependencyInjection;
            using Microsoft.Extensions.Hosting;
            using Sluice;
            using Sluice.Hosting;
            using Sluice.PostgreSql;
            using Sluice.Redis;
            using Sluice.Sqlite;
            using Sluice.Testing;

            HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
            builder.Services.AddSluice(sluice => sluice.UseSqlite("host.db"))
                .AddConsecutor<int>("numbers", (services, source) => source | Console.WriteLine);
            using IHost host = builder.Build();
            await host.StartAsync();
            var numbers = host.Services.GetRequiredService<Consecutor<int>>();
            await numbers.SendAllAsync([1, 2]);
            await numbers.WaitForIdleAsync();
            await host.StopAsync();

            Console.WriteLine(new TestClock().GetUtcNow().Year);
            Console.WriteLine(typeof(RedisStreamStore).Assembly.GetName().Name);
            Console.WriteLine(typeof(PostgresStreamStore).Assembly.GetName().Name);
            Console.WriteLine(StackExchange.Redis.ConfigurationOptions.Parse("localhost").EndPoints.Count);
            """);
        Assert.Equal("1\n2\n2026\nSluice.Redis\nSluice.PostgreSql\n1\n", await clean.RunAsync("run", "-c", "Release", "--project", "host"));
    }
}
