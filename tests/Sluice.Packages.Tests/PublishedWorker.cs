using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Sluice.Packages.Tests;

/// <summary>The worker of the template <c>sluice</c>, generated and published from the packed packages; and a second one, whose handler
/// takes as many milliseconds as the variable DELAY says. If the variable is negative, they begin when the host is told to stop.</summary>
public sealed class PublishedWorker(Packed packed) : IAsyncLifetime
{
    private const string SlowHandler =
        """
        namespace Worker;

        public interface IItemHandler
        {
            Task HandleAsync(Item item, CancellationToken cancellation);
        }

        public sealed class LoggingItemHandler(ILogger<LoggingItemHandler> logger, IHostApplicationLifetime lifetime) : IItemHandler
        {
            public async Task HandleAsync(Item item, CancellationToken cancellation)
            {
                logger.LogInformation("Begins the item {Id}", item.Id);
                int delay = int.Parse(Environment.GetEnvironmentVariable("DELAY")!);
                if (delay < 0)
                {
                    var stops = new TaskCompletionSource();
                    using (lifetime.ApplicationStopping.Register(stops.SetResult)) await stops.Task.WaitAsync(cancellation);
                }
                await Task.Delay(Math.Abs(delay), cancellation);
                Console.WriteLine($"Handled the item {item.Id}");      // at once: a log that is written later is lost in a kill
            }
        }
        """;

    private readonly CleanDirectory clean = new(packed);

    internal string Path => clean.Path;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await Templates.InstallAsync(clean, packed);
        await Templates.NewAsync(clean, "sluice", "shop");
        await clean.RunAsync("publish", "shop/shop.csproj", "-c", "Release", "-o", "as-it-is", "-v", "quiet", "--nologo");
        string handler = await File.ReadAllTextAsync(System.IO.Path.Combine(Path, "shop/IItemHandler.cs"), Cancellation);
        clean.Write("shop/IItemHandler.cs", SlowHandler);
        await clean.RunAsync("publish", "shop/shop.csproj", "-c", "Release", "-o", "slow", "-v", "quiet", "--nologo");
        clean.Write("shop/IItemHandler.cs", handler);
    }

    public ValueTask DisposeAsync()
    {
        clean.Dispose();
        return default;
    }

    /// <summary>Runs a command of the SDK in the directory of the project <c>shop</c>.</summary>
    internal Task<string> RunAsync(params string[] arguments) => clean.RunAsync(arguments);

    /// <summary>Runs a command that may fail.</summary>
    internal Task<Ended> EndAsync(params string[] arguments) => clean.EndAsync(arguments);

    /// <summary>Reads a file of the directory.</summary>
    internal Task<string> ReadAsync(string name) => File.ReadAllTextAsync(System.IO.Path.Combine(Path, name), Cancellation);

    /// <summary>Writes a file of the directory.</summary>
    internal void Write(string name, string text) => clean.Write(name, text);

    /// <summary>A copy of the published worker, with a store of its own.</summary>
    /// <param name="kind"><c>as-it-is</c> or <c>slow</c>.</param>
    internal WorkerProgram Program(string kind)
    {
        string folder = $"{kind}-{Guid.NewGuid():N}";
        foreach (string file in Directory.GetFiles(System.IO.Path.Combine(Path, kind), "*", SearchOption.AllDirectories))
        {
            string copy = System.IO.Path.Combine(Path, folder, System.IO.Path.GetRelativePath(System.IO.Path.Combine(Path, kind), file));
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
        return new(clean, folder);
    }
}

/// <summary>A folder with a published worker, and a client of it.</summary>
internal sealed class WorkerProgram(CleanDirectory clean, string folder) : IDisposable
{
    private readonly string url = $"http://127.0.0.1:{FreePort.Next()}";
    private HttpClient? client;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    internal string Folder => System.IO.Path.Combine(clean.Path, folder);

    internal string Url => url;

    internal HttpClient Client => client ??= new() { BaseAddress = new(url) };

    /// <summary>Starts the worker, without waiting for anything.</summary>
    internal SampleProcess Begin(params string[] variables) => clean.Start(variables, $"{folder}/shop.dll", "--urls", url);

    /// <summary>Starts the worker, which listens where its configuration says.</summary>
    internal SampleProcess BeginWithoutUrls(params string[] variables) => clean.Start(variables, $"{folder}/shop.dll");

    /// <summary>Starts the worker, and waits until it has started.</summary>
    internal async Task<SampleProcess> StartAsync(params string[] variables)
    {
        SampleProcess worker = Begin(variables);
        await worker.ReadUntilAsync(static line => line.Contains("Application started", StringComparison.Ordinal));
        return worker;
    }

    internal async Task<HttpStatusCode> PostAsync(string json)
    {
        using var body = new StringContent(json, Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await Client.PostAsync("/items", body, Cancellation);
        return response.StatusCode;
    }

    internal Task<HttpStatusCode> PostAsync(string id, string text) => PostAsync(JsonSerializer.Serialize(new { id, text }));

    /// <summary>Posts a body that the worker refuses with 400 and problem details.</summary>
    /// <returns>What is wrong with it.</returns>
    internal async Task<string> IsRefusedAsync(string json)
    {
        using var body = new StringContent(json, Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await Client.PostAsync("/items", body, Cancellation);
        Assert.True(response.StatusCode == HttpStatusCode.BadRequest, $"{json}: {response.StatusCode}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        JsonElement problem = await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        Assert.Equal(400, problem.GetProperty("status").GetInt32());
        return problem.GetProperty("detail").GetString()!;
    }

    /// <summary>Returns the status of a health check, by its code and its body.</summary>
    internal async Task<(HttpStatusCode, string?)> HealthAsync(string check)
    {
        using HttpResponseMessage response = await Client.GetAsync($"/health/{check}", Cancellation);
        JsonElement report = await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        return (response.StatusCode, report.GetProperty("status").GetString());
    }

    public void Dispose() => client?.Dispose();
}
