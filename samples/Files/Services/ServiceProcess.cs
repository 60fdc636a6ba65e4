using Microsoft.Extensions.Hosting;

namespace Files.Services;

/// <summary>One of the three services, as a process of its own. Ends when nobody holds its input any more: also when whoever started it was
/// killed.</summary>
internal static class ServiceProcess
{
    /// <summary>What it says when it is at work.</summary>
    public const string Ready = "ready";

    // Where the store does not answer, nothing can be handed over: others take it when this service has been silent for a while.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static async Task<int> RunAsync(ServiceArguments service)
    {
        // Ctrl+C reaches all processes of a terminal; this one ends when the first does.
        using var interrupts = new Interrupts();
        IHost host = ServiceHost.Build(service.Store, service.Name, sluice => Roles.AddTo(sluice, service.Role));
        await host.StartAsync();
        Console.WriteLine(Ready);
        using (Stream input = Console.OpenStandardInput())
            while (await input.ReadAsync(new byte[16]) > 0) { }
        await Task.WhenAny(StopAsync(host), Task.Delay(Patience));
        return 0;
    }

    private static async Task StopAsync(IHost host)
    {
        await host.StopAsync();
        host.Dispose();
    }
}
