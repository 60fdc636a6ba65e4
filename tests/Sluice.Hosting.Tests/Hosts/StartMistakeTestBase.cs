using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.Hosting.Tests.Http;

namespace Sluice.Hosting.Tests;

/// <summary>Starts a whole web application with an <c>appsettings.json</c> of its own, and returns the mistake for which it does not
/// start.</summary>
public abstract class StartMistakeTestBase : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("sluice-mistakes-");

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected string Folder => directory.FullName;

    public void Dispose()
    {
        directory.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    protected async Task IsAsync(int exitCode, string line, string json = "{}", string arguments = "--urls=http://127.0.0.1:0",
        Action<SluiceBuilder>? add = null, Action<WebApplicationBuilder>? configure = null, Action<WebApplication>? map = null)
        => Assert.StartsWith(line.Replace("FOLDER", Folder, StringComparison.Ordinal),
            await MistakeAsync(exitCode, json, arguments, add, configure, map), StringComparison.Ordinal);

    protected async Task<string> MistakeAsync(int exitCode, string json = "{}", string arguments = "--urls=http://127.0.0.1:0",
        Action<SluiceBuilder>? add = null, Action<WebApplicationBuilder>? configure = null, Action<WebApplication>? map = null)
    {
        await File.WriteAllTextAsync(Path.Combine(Folder, "appsettings.json"),
            json.Replace("FOLDER", Folder, StringComparison.Ordinal), Cancellation);
        var log = new LogProbe();
        StartMistake? mistake = null;
        try
        {
            await using WebApplication app = Build(log, [arguments], add, configure);
            map?.Invoke(app);
            await app.StartAsync(Cancellation);
        }
        catch (Exception failure) when (StartMistake.Find(failure) is { } found)
        {
            mistake = found;
        }
        Assert.NotNull(mistake);
        Assert.Equal(exitCode, mistake.ExitCode);
        Assert.EndsWith(".", mistake.Text, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', mistake.Text);
        Assert.DoesNotContain("   at ", string.Join('\n', log.Lines.Select(static one => $"{one.Text}\n{one.Exception}")),
            StringComparison.Ordinal);
        return mistake.Text;
    }

    private protected WebApplication Build(LogProbe log, string[] arguments, Action<SluiceBuilder>? add,
        Action<WebApplicationBuilder>? configure)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = arguments,
            ContentRootPath = Folder,
            EnvironmentName = Environments.Development,      // the container is checked when it is built
        });
        builder.Logging.ClearProviders().AddProvider(log);
        SluiceBuilder sluice = builder.Services.AddSluice()
            .AddConsecutor<int>("numbers", static (_, source) => source | Sink.Output<int>("all"));
        add?.Invoke(sluice);
        configure?.Invoke(builder);
        return builder.Build();
    }
}
