using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Sluice.Hosting.Tests;

/// <summary>A host that cannot listen, or that is asked to stop before it has started, says so in one line with what to do.</summary>
[StartsProcesses]
public sealed class ListeningMistakeTests : StartMistakeTestBase
{
    private const string Certificate = "For development, make a certificate with 'dotnet dev-certs https'. Otherwise name one in the "
        + "settings Kestrel:Certificates:Default:Path and Password, or choose an http address";

    [Theory]
    [InlineData("http://127.0.0.1:PORT", "the address is in use")]
    [InlineData("http://localhost:PORT", "the address is in use")]
    [InlineData("http://127.0.0.1:0;http://127.0.0.1:PORT", "Failed to bind to address http://127.0.0.1:PORT: address already in use")]
    [InlineData("127.0.0.1:5080", "Invalid url: '127.0.0.1:5080'")]
    [InlineData("ftp://127.0.0.1", "Unrecognized scheme in server address 'ftp://127.0.0.1")]
    [InlineData("http://192.0.2.1:5080", "Cannot assign requested address")]
    [InlineData("http://127.0.0.1:99999", "Specified argument was out of the range of valid values")]
    public async Task AnAddressAtWhichTheServerCannotListenIsOneLine(string urls, string why)
    {
        using var used = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        used.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        used.Listen();
        string port = ((IPEndPoint)used.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture);
        string text = await MistakeAsync(3, arguments: $"--urls={urls.Replace("PORT", port, StringComparison.Ordinal)}");
        string line = $"The web server cannot listen at {urls.Replace(";", ", ", StringComparison.Ordinal)}: {why}";
        Assert.StartsWith(line.Replace("PORT", port, StringComparison.Ordinal), text, StringComparison.Ordinal);
        Assert.EndsWith(". Choose another address, for example with --urls http://127.0.0.1:5080.", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"Kestrel": {"Endpoints": {"Web": {"Url": "http://127.0.0.1:PORT"}}}}""",
        "http://127.0.0.1:PORT: the address is in use. Choose another address, in the setting Kestrel:Endpoints:Web:Url.")]
    [InlineData("""{"Kestrel": {"Certificates": {"Default": {"Path": "shop.pfx"}}, "Endpoints": {"Web": {"Url": "https://[::1]:0"}}}}""",
        "https://[::1]:0: Could not find file 'FOLDER/shop.pfx'. CERTIFICATE, in the setting Kestrel:Endpoints:Web:Url.")]
    [InlineData("""{"Urls": "https://127.0.0.1:0", "Kestrel": {"Certificates": {"Default": {"Path": "appsettings.json"}}}}""",
        "https://127.0.0.1:0: ")]
    public async Task AWrongEndpointOfTheSettingsIsOneLineWithItsSetting(string json, string line)
    {
        using var used = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        used.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        used.Listen();
        string port = ((IPEndPoint)used.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture);
        string text = await MistakeAsync(3, json.Replace("PORT", port, StringComparison.Ordinal), "--x=y");
        Assert.StartsWith("The web server cannot listen at " + line.Replace("PORT", port, StringComparison.Ordinal)
            .Replace("FOLDER", Folder, StringComparison.Ordinal).Replace("CERTIFICATE", Certificate, StringComparison.Ordinal),
            text, StringComparison.Ordinal);
        Assert.Equal(json.Contains("Certificates", StringComparison.Ordinal), text.Contains(Certificate, StringComparison.Ordinal));
    }

    [Fact]
    public async Task AnAddressWithoutACertificateIsOneLineWithWhatToDo()
    {
        // dotnet dev-certs keeps certificates in the user's home directory: an empty home has none.
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            [Path.Combine(AppContext.BaseDirectory, "Sluice.WebProgram.dll"), "--urls=https://127.0.0.1:0"])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            WorkingDirectory = Folder,
        };
        start.Environment["HOME"] = Folder;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(Cancellation);
        string errors = await process.StandardError.ReadToEndAsync(Cancellation);
        Assert.DoesNotContain("   at ", await output, StringComparison.Ordinal);
        await process.WaitForExitAsync(Cancellation);
        Assert.Equal((3, "The web server cannot listen at https://127.0.0.1:0: no certificate for https was found. "
            + $"{Certificate}, for example with --urls http://127.0.0.1:5080.\n"), (process.ExitCode, errors));
    }

    [Theory]
    [InlineData("before Sluice")]
    [InlineData("between Sluice and the server")]
    public async Task AStopDuringTheStartIsOneLineAndNoMistake(string when)
    {
        string text = await MistakeAsync(0, configure: builder => builder.Services.AddSingleton<IHostedService>(container
            => new Stopping(container.GetRequiredService<IHostApplicationLifetime>(), when)));
        Assert.Equal("The host was asked to stop before it had started.", text);
    }

    [Fact]
    public async Task AServiceThatIsCancelledByItsOwnTokenHasFailed()
    {
        await using WebApplication app = Build(new(), ["--urls=http://127.0.0.1:0"], null, static builder
            => builder.Services.AddSingleton<IHostedService>(container
                => new Stopping(container.GetRequiredService<IHostApplicationLifetime>(), "its own token")));
        Exception failure = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => app.StartAsync(Cancellation));
        Assert.Null(StartMistake.Find(failure));
    }

    private sealed class Stopping(IHostApplicationLifetime lifetime, string when) : IHostedLifecycleService
    {
        public Task StartingAsync(CancellationToken cancellationToken)
        {
            if (when == "before Sluice") lifetime.StopApplication();
            return Task.CompletedTask;
        }

        public Task StartAsync(CancellationToken cancellationToken)
        {
            if (when == "its own token") return Task.FromCanceled(new(canceled: true));
            if (when != "before Sluice") lifetime.StopApplication();
            return Task.CompletedTask;
        }

        public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
