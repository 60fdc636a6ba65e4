namespace Sluice.Hosting;

/// <summary>What a host does when something that it runs has failed for good.</summary>
public enum HostFailurePolicy
{
    /// <summary>The host stops with the exit code 1, so that its service manager (systemd, Kubernetes) starts it again.</summary>
    StopHost,

    /// <summary>The host goes on with the rest, and its health checks report <c>Unhealthy</c>.</summary>
    Degrade,
}
