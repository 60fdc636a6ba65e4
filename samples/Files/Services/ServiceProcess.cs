using Microsoft.Extensions.Hosting;

namespace Files.Services;

/// <summary>One of the three services, as a process of its own. Ends when nobody holds its input any more: also when whoever started it was killed.</summary>
internal static class ServiceProcess
{
    /// <summary>What it says when it is at work.</summary>
    public const string Ready = "ready";

    public static async Task<int> RunAsync(ServiceArguments service)
    {
        // Ctrl+C reaches all processes of a terminal; this one ends when the first does.
        using var interrupts = new Interrupts();
        using IHost host = ServiceHost.Build(service.Store, service.Name, sluice => Roles.AddTo(sluice, service.Role));
        await host.StartAsync();
        Console.WriteLine(Ready);
        using (Stream input = Console.OpenStandardInput())
            while (await input.ReadAsync(new byte[16]) > 0) { }
        await host.StopAsync();
        return 0;
    }
}
