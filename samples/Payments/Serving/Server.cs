using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.Dashboard;
using Sluice.Hosting;

namespace Payments.Serving;

/// <summary>What can be asked over HTTP.</summary>
internal static class Server
{
    private static readonly TimeSpan LastRequests = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2);

    public static WebApplication Build(Bank bank, ServeOptions options)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(options.Urls);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = LastRequests);
        var app = builder.Build();
        app.MapProducer("/payments", bank.Payments);
        app.MapSluice("/sluice", new DashboardOptions { Consecutors = [bank.Payments, bank.Ledger, bank.Rejections] });
        app.MapGet("/balances", async (double? wait, HttpContext context) =>
        {
            await CatchUpAsync(bank, TimeSpan.FromSeconds(Math.Clamp(wait ?? LongestWait.TotalSeconds, 0, LongestWait.TotalSeconds)),
                context.RequestAborted);
            var balances = new SortedDictionary<string, decimal>(StringComparer.Ordinal);
            await foreach (var (account, state) in bank.Payments.ListStateAsync<Account>(Bank.Balance,
                context.RequestAborted)) balances[account] = state.Balance;
            await AnswerAsync(context, json => Answers.Write(json, balances));
        });
        app.MapGet("/dead", async (HttpContext context) =>
        {
            List<Sluice.Diagnostics.DeadLetter> letters = [];
            await foreach (var letter in bank.Payments.ListDeadLettersAsync(context.RequestAborted)) letters.Add(letter);
            await AnswerAsync(context, json => Answers.Write(json, letters));
        });
        app.MapGet("/rejected", (HttpContext context) => SendLinesAsync(context, options.Files.Rejected));
        app.MapGet("/snapshot", (HttpContext context) => AnswerAsync(context, json => Answers.Write(json, bank.Snapshots)));
        return app;
    }

    // What is never idle, because others send all the time, or waits to be tried again, is answered as it is then.
    private static async Task CatchUpAsync(Bank bank, TimeSpan wait, CancellationToken aborted)
    {
        if (wait == TimeSpan.Zero || bank.Payments.Snapshot().IsIdle) return;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        enough.CancelAfter(wait);
        await ((Task)bank.Payments.WaitForIdleAsync(enough.Token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task AnswerAsync(HttpContext context, Action<Utf8JsonWriter> write)
    {
        context.Response.ContentType = "application/json";
        await using (var json = new Utf8JsonWriter(context.Response.BodyWriter)) write(json);
        await context.Response.CompleteAsync();
    }

    /// <summary>The whole lines of a file that is written meanwhile.</summary>
    private static async Task SendLinesAsync(HttpContext context, string path)
    {
        context.Response.ContentType = "application/x-ndjson";
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var lines = new StreamReader(file);
        while (await lines.ReadLineAsync(context.RequestAborted) is { } line)
            if (line.EndsWith('}')) await context.Response.WriteAsync(line + "\n", context.RequestAborted);
    }
}
