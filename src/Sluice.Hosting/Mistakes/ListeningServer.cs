using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Sluice.Hosting;

/// <summary>The web server of a host. If it cannot listen at its addresses, it says so in one line, which the host writes to its
/// log.</summary>
internal sealed class ListeningServer(IServer server, IConfiguration settings, IHostApplicationLifetime? lifetime,
    Func<FailedStartException?> failure) : IServer
{
    public IFeatureCollection Features => server.Features;

    /// <summary>Puts itself before the server Kestrel, if that was added. Others, such as those of tests, stay as they are.</summary>
    public static void Wrap(IServiceCollection services)
    {
        ServiceDescriptor? last = services.LastOrDefault(static service => service.ServiceType == typeof(IServer)
            && !service.IsKeyedService);
        if (last is not { ImplementationType: { } kestrel, Lifetime: ServiceLifetime.Singleton }
            || kestrel.Namespace?.StartsWith("Microsoft.AspNetCore.Server.Kestrel", StringComparison.Ordinal) != true) return;
        services.Remove(last);
        services.Add(new(kestrel, kestrel, ServiceLifetime.Singleton));
        services.AddSingleton<IServer>(container => new ListeningServer((IServer)container.GetRequiredService(kestrel),
            container.GetRequiredService<IConfiguration>(), container.GetService<IHostApplicationLifetime>(),
            () => container.GetRequiredService<SluiceHost>().Failure));
    }

    public async Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken)
        where TContext : notnull
    {
        string[] addresses = [.. Features.Get<IServerAddressesFeature>()?.Addresses ?? []];      // the server empties the list
        try
        {
            await server.StartAsync(application, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException stopped) when (lifetime is { ApplicationStopping.IsCancellationRequested: true })
        {
            throw failure() ?? (Exception)new StoppedStartException(stopped);
        }
        catch (Exception refused) when (refused is IOException or SocketException or FormatException
            or InvalidOperationException or ArgumentException or CryptographicException)
        {
            throw new AddressException(Said(addresses, refused), refused);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => server.StopAsync(cancellationToken);

    public void Dispose()
    {
        // The container disposes the server.
    }

    private string Said(string[] addresses, Exception failure)
    {
        // Endpoints of the settings win over other addresses.
        IConfigurationSection[] endpoints = [.. settings.GetSection("Kestrel:Endpoints").GetChildren()];
        if (endpoints.Length > 0) addresses = [.. endpoints.Select(static one => one["Url"] ?? one.Path)];
        string where = addresses is [] ? "its addresses" : string.Join(", ", addresses);
        string why = StartMistake.OneLine(failure.Message).TrimEnd('.');
        if (addresses is [_] && failure is { InnerException: AddressInUseException }) why = "the address is in use";
        // Kestrel reads no files but those of certificates.
        bool isCertificate = failure is CryptographicException or FileNotFoundException or DirectoryNotFoundException
            || why.Contains("certificate", StringComparison.OrdinalIgnoreCase);
        if (isCertificate && why.Contains("dotnet dev-certs", StringComparison.Ordinal)) why = "no certificate for https was found";
        string address = endpoints.Length > 0 ? $"in the setting {endpoints[0].Path}:Url" : "for example with --urls http://127.0.0.1:5080";
        return $"The web server cannot listen at {where}: {why}. " + (isCertificate
            ? "For development, make a certificate with 'dotnet dev-certs https'. Otherwise name one in the settings "
                + $"Kestrel:Certificates:Default:Path and Password, or choose an http address, {address}."
            : $"Choose another address, {address}.");
    }
}

/// <summary>The web server cannot listen at its addresses.</summary>
internal sealed class AddressException(string message, Exception cause) : IOException(message, cause)
{
    /// <summary>Returns the message only. A host writes all of it, and a port in use needs no stack trace.</summary>
    public override string ToString() => Message;
}
