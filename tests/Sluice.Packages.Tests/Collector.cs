using System.Net;

namespace Sluice.Packages.Tests;

/// <summary>An OpenTelemetry collector for tests: accepts exports over HTTP, and remembers the paths of those that name Sluice.</summary>
internal sealed class Collector : IAsyncDisposable
{
    private readonly HttpListener listener = new();
    private readonly SortedSet<string> paths = new(StringComparer.Ordinal);
    private readonly Task serving;

    internal Collector()
    {
        Address = $"http://127.0.0.1:{FreePort.Next()}/";
        listener.Prefixes.Add(Address);
        listener.Start();
        serving = ServeAsync();
    }

    private string Address { get; }

    /// <summary>The environment of a program that exports to this collector.</summary>
    internal string[] Variables => [$"OTEL_EXPORTER_OTLP_ENDPOINT={Address}", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"];

    /// <summary>Stops, and returns the paths to which telemetry of Sluice was sent.</summary>
    internal async Task<IEnumerable<string>> PathsAsync()
    {
        listener.Stop();
        await serving;
        return paths;
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                HttpListenerContext context = await listener.GetContextAsync();
                using var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body);
                // A scope of instrumentation has its name as it is, with its length before it.
                if (body.ToArray().AsSpan().IndexOf("\u0006Sluice"u8) >= 0) paths.Add(context.Request.Url!.AbsolutePath);
                context.Response.Close();
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // It was stopped.
        }
    }

    public async ValueTask DisposeAsync()
    {
        listener.Close();
        await serving;
    }
}
