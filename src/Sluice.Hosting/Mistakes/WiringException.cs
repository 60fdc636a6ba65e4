using System.Net.Sockets;
using Sluice.Topologies;

namespace Sluice.Hosting;

/// <summary>The code that adds units to a host is wrong, for example two have one name, or a service is not registered.</summary>
internal sealed class WiringException(string message, Exception? cause = null) : InvalidOperationException(message, cause)
{
    /// <summary>Returns the message only. A stack trace would show where the host makes its units, and not where they were added.</summary>
    public override string ToString() => Message;

    /// <summary>Whether an exception says what is wrong with the wiring, because Sluice or the container has thrown it. One of the user's
    /// own code needs its stack trace. So does the failure of a run, a flow, a graph or a send: Sluice has thrown it, and its cause is the
    /// user's code. An address in use is the cause of a producer's mistake.</summary>
    public static bool IsWiring(Exception failure)
        => failure is WiringException || (IsOfSluice(failure) && (failure is not (InvalidOperationException or PayloadException)
            || failure.InnerException is null or SocketException || IsWiring(failure.InnerException)));

    /// <summary>Whether Sluice or the container has thrown an exception while it makes or starts a unit.</summary>
    public static bool IsOfSluice(Exception failure)
        => failure is InvalidOperationException or ArgumentException or InvalidTopologyException or PayloadException
            or MemberInUseException && failure.Source is { } source
            && (source is "Sluice" or "Sluice.Hosting" or "Sluice.Sqlite" or "Sluice.Redis" or "Sluice.PostgreSql"
                || source.StartsWith("Microsoft.Extensions.DependencyInjection", StringComparison.Ordinal));

    /// <inheritdoc cref="Guard{T}"/>
    public static void Guard(string title, Action make) => Guard(title, () =>
    {
        make();
        return true;
    });

    /// <summary>Makes a unit, and says which one is wrong. If a unit makes another one, that other one is named.</summary>
    public static T Guard<T>(string title, Func<T> make)
    {
        try
        {
            return make();
        }
        catch (Exception failure) when (failure is WiringException or BodyException)
        {
            throw;
        }
        catch (Exception failure) when (IsOfSluice(failure))
        {
            throw new WiringException($"{title} cannot be made: {StartMistake.OneLine(failure.Message)}", failure);
        }
        catch (Exception failure) when (failure is not OperationCanceledException && StartMistake.Find(failure) is null)
        {
            throw new BodyException($"{title} cannot be made: its code has thrown {failure.GetType().Name}: {failure.Message}", failure);
        }
    }
}

/// <summary>The user's code that makes a unit of a host has thrown. The text has the stack trace of that code.</summary>
internal sealed class BodyException(string message, Exception cause) : Exception(message, cause);

/// <summary>A service that a function of the host needs.</summary>
internal sealed record NeededService(Type Type, string By)
{
    /// <summary>Says what to do if the service is not registered; null if it is.</summary>
    public string? WhatIsMissing(IServiceProviderIsService known)
        => known.IsService(Type) ? null : $"{By} calls its function with a service of the type {TypeNames.Of(Type)}, and none is registered. "
            + $"Register it with the host's services, for example AddScoped<{TypeNames.Of(Type)}>().";
}
