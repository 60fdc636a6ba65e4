using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Sluice.Hosting;

namespace Sluice.WebProgram;

/// <summary>A service as users write it, which <c>WebApplicationFactory</c> starts with arguments such as
/// <c>--environment=Development</c>.</summary>
public sealed class TestedService
{
    internal static async Task<int> RunAsync(string[] arguments)
    {
        try
        {
            WebApplicationBuilder builder = WebApplication.CreateBuilder(arguments);
            builder.Services.AddSingleton(TimeProvider.System);
            builder.Services.AddSluice(static sluice => sluice.UseMemory())
                .AddConsecutor<Order>("orders", static (_, source) => source | (static _ => { }));
            await using WebApplication app = builder.Build();
            app.MapProducer<Order>("/orders");
            app.MapSluiceHealth();
            await app.RunAsync();
            return Environment.ExitCode;
        }
        catch (Exception e) when (StartMistake.Find(e) is { } mistake)
        {
            return mistake.Report();
        }
    }
}
