using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Sluice.Hosting;

/// <summary>Endpoints that answer with the health of a host.</summary>
public static class HealthEndpoints
{
    /// <summary>
    /// Maps <c>GET /health/live</c> (200, or 503 if something has failed for good: restart the process) and <c>GET /health/ready</c> (200,
    /// also while it is degraded, or 503: send it no work). The body is JSON with the status, and the reasons and counts of each check.
    /// </summary>
    /// <remarks>Checks of others are included by their tags <c>live</c> and <c>ready</c>. To restrict access, configure the result. The
    /// body has names of consecutors and messages of failures, but no payloads.</remarks>
    /// <param name="endpoints">The endpoints of the application.</param>
    /// <param name="prefix">The path before <c>/live</c> and <c>/ready</c>.</param>
    public static IEndpointConventionBuilder MapSluiceHealth(this IEndpointRouteBuilder endpoints, string prefix = "/health")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(prefix);
        RouteGroupBuilder group = endpoints.MapGroup(prefix);
        foreach (string tag in new[] { "live", "ready" })
            group.MapHealthChecks($"/{tag}", new HealthCheckOptions
            {
                Predicate = check => check.Tags.Contains(tag),
                ResponseWriter = WriteAsync,
            });
        return group;
    }

    private static Task WriteAsync(HttpContext context, HealthReport report)
    {
        var bytes = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(bytes, Answers.Readable))
        {
            json.WriteStartObject();
            json.WriteString("status"u8, report.Status.ToString());
            json.WriteStartObject("checks"u8);
            foreach ((string name, HealthReportEntry check) in report.Entries)
            {
                json.WriteStartObject(name);
                json.WriteString("status"u8, check.Status.ToString());
                if (check.Description is { } why) json.WriteString("reason"u8, why);
                foreach ((string key, object value) in check.Data)
                    if (value is long count) json.WriteNumber(key, count);
                json.WriteEndObject();
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = bytes.WrittenCount;
        return context.Response.Body.WriteAsync(bytes.WrittenMemory).AsTask();
    }
}
