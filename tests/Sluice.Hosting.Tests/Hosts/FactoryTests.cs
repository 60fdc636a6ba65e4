using System.Net;
using System.Text;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sluice.Diagnostics;
using Sluice.Hosting.Tests.Http;
using Sluice.WebProgram;

namespace Sluice.Hosting.Tests;

/// <summary>A user's test of a whole service with <c>WebApplicationFactory</c>: no port, and settings of the test.</summary>
public sealed class FactoryTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AServiceIsTestedWithoutAPort()
    {
        await using WebApplicationFactory<TestedService> factory = Factory("Sluice:Consecutors:orders:MaxInFlight", "3");
        using HttpClient client = factory.CreateClient();
        using (var order = new StringContent("""{"id": 1}""", Encoding.UTF8, "application/json"))
        using (HttpResponseMessage answer = await client.PostAsync(new Uri("/orders", UriKind.Relative), order, Cancellation))
            Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        IConsecutor orders = factory.Services.GetServices<IConsecutor>().Single();
        while (orders.Snapshot() is not { Completed: 1, IsIdle: true }) await Task.Yield();
        using HttpResponseMessage ready = await client.GetAsync(new Uri("/health/ready", UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
    }

    private static WebApplicationFactory<TestedService> Factory(string setting, string value)
        => new WebApplicationFactory<TestedService>().WithWebHostBuilder(builder => builder.UseContentRoot(AppContext.BaseDirectory)
            .UseSetting(setting, value).ConfigureLogging(static logs => logs.ClearProviders().AddProvider(new LogProbe())));
}
